/-
Goal states of a Lean file: one JSON line a command, a tactic, a premise, a message.

The file is elaborated with info trees on, and the trees are walked. What is printed is what the
trees hold and nothing that can be worked out from the file: positions are bytes, texts of tactics
are left to the reader. `README.md` beside `metaprogram/` describes the lines.
-/
import Shim
open Lean Lean.Elab

namespace GoalStates

/-- Raised whenever a line changes its meaning. -/
def format : Nat := 1

/-- Nodes that hold tactics and are none; their states are those of what they hold. -/
def holders : List Name := [
  `null, `group, `choice, `ident, `num, `str,
  `Lean.Parser.Term.byTactic, `Lean.Parser.Term.byTactic', `Lean.Parser.Tactic.tacticSeq,
  `Lean.Parser.Tactic.tacticSeq1Indented, `Lean.Parser.Tactic.tacticSeqBracketed,
  `Lean.Parser.Tactic.Conv.convSeq, `Lean.Parser.Tactic.Conv.convSeq1Indented,
  `Lean.Parser.Tactic.Conv.convSeqBracketed, `Lean.cdotTk, `Lean.Parser.Tactic.rwRule,
  `Lean.Parser.Tactic.rwRuleSeq, `Lean.Parser.Tactic.inductionAlt,
  `Lean.Parser.Tactic.inductionAlts, `Lean.Parser.Tactic.inductionAltLHS,
  `Lean.Parser.Tactic.matchAlts, `Lean.Parser.Tactic.matchRhs, `Lean.Parser.Tactic.caseArg,
  `Lean.Parser.Tactic.elimTarget, `Lean.calcSteps, `Lean.calcFirstStep, `Lean.calcStep,
  `Lean.Parser.Term.matchAlts, `Lean.Parser.Term.matchAlt]

/-- Kinds of syntax that a declaration's proof or body is of. -/
def bodies : List Name := [
  `Lean.Parser.Command.declValSimple, `Lean.Parser.Command.declValEqns,
  `Lean.Parser.Command.whereStructInst, `Lean.Parser.Command.declBody]

def line (kind : String) (fields : List (String × Json)) : IO Unit :=
  IO.println (Json.mkObj (("kind", Json.str kind) :: fields)).compress

def strings (values : Array String) : Json := Json.arr (values.map Json.str)

partial def bodyStart? (stx : Syntax) : Option Nat :=
  if bodies.contains stx.getKind then Shim.startByte? stx
  else stx.getArgs.foldl (fun found arg => match found with
    | some place => some place
    | none => bodyStart? arg) none

/-- The first token; a macro can give its expansion the place of another one. -/
partial def head (stx : Syntax) : String :=
  match stx with
  | Syntax.atom _ value => value
  | Syntax.ident _ raw _ _ => raw.toString
  | other => other.getArgs.foldl (fun found arg => if found == "" then head arg else found) ""

def isOriginal (stx : Syntax) : Bool :=
  match stx.getHeadInfo with
  | SourceInfo.original .. => true
  | _ => false

def goals (ctx : ContextInfo) (mctx : MetavarContext) (ids : List MVarId) : IO (Array String) := do
  if ids.isEmpty then return #[]
  { ctx with mctx := mctx }.runMetaM {} do
    let mut shown := #[]
    for id in ids do
      shown := shown.push (← Meta.ppGoal id).pretty
    return shown

/-- What a walk knows of where it is. -/
structure Place where
  ctx? : Option ContextInfo := none
  /-- The number of the tactic around; none outside tactics. -/
  parent? : Option Nat := none
  ancestors : Array String := #[]
  inCommand : Bool := false

structure Options where
  premises : Bool := true

def command (ctx : ContextInfo) (info : CommandInfo) : IO Unit := do
  match Shim.startByte? info.stx, Shim.endByte? info.stx with
  | some start, some stop =>
    let mut fields := [("start", toJson start), ("end", toJson stop),
      ("syntax", Json.str info.stx.getKind.toString)]
    match bodyStart? info.stx with
    | some place => fields := ("proof_start", toJson place) :: fields
    | none => pure ()
    unless ctx.currNamespace.isAnonymous do
      fields := ("namespace", Json.str ctx.currNamespace.toString) :: fields
    let opened := ctx.openDecls.map fun decl => toString decl
    unless opened.isEmpty do
      fields := ("open", strings opened.toArray) :: fields
    line "command" fields
  | _, _ => pure ()

def premise (ctx : ContextInfo) (info : TermInfo) : IO Unit := do
  match info.expr.constName?, Shim.startByte? info.stx, Shim.endByte? info.stx with
  | some name, some start, some stop =>
    unless isOriginal info.stx do return ()
    let module := match ctx.env.getModuleIdxFor? name with
      | some index => ctx.env.header.moduleNames.get! index
      | none => ctx.env.mainModule
    let mut fields := [("name", Json.str name.toString), ("start", toJson start),
      ("end", toJson stop), ("module", Json.str module.toString)]
    match (← Shim.range? ctx name) with
    | some (first, last) =>
      fields := ("def_start", toJson #[first.line, first.column]) ::
        ("def_end", toJson #[last.line, last.column]) :: fields
    | none => pure ()
    line "premise" fields
  | _, _, _ => pure ()

/-- Prints a tactic; gives its number, or none when it's no step. -/
def tactic (count : IO.Ref Nat) (place : Place) (ctx : ContextInfo) (info : TacticInfo) :
    IO (Option Nat) := do
  let kind := info.stx.getKind
  if info.goalsBefore.isEmpty || holders.contains kind then return none
  match info.stx with
  | Syntax.node .. => pure ()
  | _ => return none
  match Shim.startByte? info.stx, Shim.endByte? info.stx with
  | some start, some stop =>
    let number ← count.get
    count.set (number + 1)
    let mut fields := [("id", toJson number), ("start", toJson start), ("end", toJson stop),
      ("syntax", Json.str kind.toString), ("elaborator", Json.str info.elaborator.toString),
      ("head", Json.str (head info.stx)), ("ancestors", strings place.ancestors),
      ("before", strings (← goals ctx info.mctxBefore info.goalsBefore)),
      ("after", strings (← goals ctx info.mctxAfter info.goalsAfter))]
    match place.parent? with
    | some parent => fields := ("parent", toJson parent) :: fields
    | none => pure ()
    if isOriginal info.stx then
      let pp ← Shim.printed { ctx with mctx := info.mctxBefore } info.stx
      unless pp == "" do
        fields := ("pp", Json.str pp) :: fields
    else
      fields := ("synthetic", Json.bool true) :: fields
    line "step" fields
    return some number
  | _, _ => return none

partial def walk (options : Options) (count : IO.Ref Nat) (place : Place) (tree : InfoTree) :
    IO Unit := do
  let visited := Shim.visit place.ctx? tree
  let mut inside := { place with ctx? := visited.ctx? }
  match visited.info?, visited.ctx? with
  | some info, some ctx =>
    match info with
    | Info.ofCommandInfo command =>
      unless place.inCommand do
        GoalStates.command ctx command
      inside := { inside with inCommand := true }
    | Info.ofTacticInfo info =>
      match (← tactic count place ctx info) with
      | some number =>
        inside := { inside with
          parent? := some number
          ancestors := place.ancestors.push info.stx.getKind.toString }
      | none => pure ()
    | Info.ofTermInfo info =>
      if options.premises && place.parent?.isSome then
        premise ctx info
    | _ => pure ()
    inside := { inside with ctx? := info.updateContext? (some ctx) }
  | _, _ => pure ()
  for child in visited.children do
    walk options count inside child

def kindOf (info : ConstantInfo) : String :=
  match info with
  | ConstantInfo.axiomInfo _ => "axiom"
  | ConstantInfo.defnInfo _ => "def"
  | ConstantInfo.thmInfo _ => "theorem"
  | ConstantInfo.opaqueInfo _ => "opaque"
  | ConstantInfo.inductInfo _ => "inductive"
  | _ => "other"

/-- The constants that the file adds, in order of their names, with where they are declared. -/
def constants (ctx : ContextInfo) : IO Unit := do
  let added := ctx.env.constants.map₂.toList.toArray
  for (name, info) in added.qsort fun a b => Name.lt a.1 b.1 do
    if name.isInternal then continue
    match (← Shim.range? ctx name) with
    | some (first, _) =>
      let type ← try
          let shown ← ctx.runMetaM {} (Meta.ppExpr info.type)
          pure shown.pretty
        catch _ => pure ""
      let uses := match info.value? with
        | some value => value.getUsedConstants.map toString
        | none => #[]
      line "constant" [("name", Json.str name.toString), ("of", Json.str (kindOf info)),
        ("line", toJson first.line), ("column", toJson first.column), ("type", Json.str type),
        ("uses", strings uses)]
    | none => pure ()

def message (msg : Message) : IO Unit := do
  let severity := match msg.severity with
    | MessageSeverity.error => "error"
    | MessageSeverity.warning => "warning"
    | MessageSeverity.information => "information"
  unless severity == "information" do
    line "message" [("severity", Json.str severity), ("line", toJson msg.pos.line),
      ("column", toJson msg.pos.column), ("text", Json.str (← msg.data.toString))]

/-- Elaborates a file and prints its lines. -/
def run (path : String) (module : Name) (options : Options) : IO Unit := do
  Shim.prepare
  let input ← IO.FS.readFile path
  let done ← Shim.elaborate input path module
  let imports := done.env.header.imports.map fun item => toString item.module
  line "module" [("module", Json.str module.toString), ("file", Json.str path),
    ("lean", Json.str Shim.version), ("githash", Json.str Shim.githash),
    ("format", toJson format), ("imports", strings imports), ("text", Json.str input)]
  let count ← IO.mkRef 0
  for tree in done.trees do
    walk options count {} tree
  let ctx : ContextInfo := Shim.outermost done.env input
  constants ctx
  let mut errors := 0
  for msg in done.messages do
    message msg
    match msg.severity with
    | MessageSeverity.error => errors := errors + 1
    | _ => pure ()
  line "end" [("steps", toJson (← count.get)), ("errors", toJson errors)]

end GoalStates
