/- What differs between versions of Lean: from 4.7, where a context node holds a part of a context. -/
import Lean
open Lean Lean.Elab

namespace GoalStates.Shim

def startByte? (stx : Syntax) : Option Nat := stx.getPos?.map (·.byteIdx)
def endByte? (stx : Syntax) : Option Nat := stx.getTailPos?.map (·.byteIdx)

/-- A node of an info tree with the context that it's in. -/
structure Visited where
  ctx? : Option ContextInfo
  info? : Option Info
  children : Array InfoTree
  deriving Inhabited

partial def visit (ctx? : Option ContextInfo) (tree : InfoTree) : Visited :=
  match tree with
  | InfoTree.context part t => visit (part.mergeIntoOuter? ctx?) t
  | InfoTree.node info children =>
    { ctx? := ctx?, info? := some info, children := children.toArray }
  | _ => { ctx? := ctx?, info? := none, children := #[] }

def printed (ctx : ContextInfo) (stx : Syntax) : IO String := do
  try
    let format ← ctx.runMetaM {} (PrettyPrinter.ppTactic ⟨stx⟩)
    return format.pretty
  catch _ => return ""

unsafe def prepareUnsafe : IO Unit := do
  enableInitializersExecution
  initSearchPath (← findSysroot)

@[implemented_by prepareUnsafe]
opaque prepare : IO Unit

structure Elaborated where
  env : Environment
  messages : List Message
  trees : Array InfoTree

def elaborate (input path : String) (module : Name) : IO Elaborated := do
  let inputCtx := Parser.mkInputContext input path
  let (header, parserState, messages) ← Parser.parseHeader inputCtx
  let (env, messages) ← processHeader header {} messages inputCtx
  let env := env.setMainModule module
  let state := { Command.mkState env messages {} with infoState := { enabled := true } }
  let done ← IO.processCommands inputCtx parserState state
  let last := done.commandState
  return { env := last.env, messages := last.messages.toList, trees := last.infoState.trees.toArray }

/-- Lines and columns of the first and last place of a constant's declaration. -/
def range? (ctx : ContextInfo) (name : Name) : IO (Option (Position × Position)) := do
  match (← ctx.runMetaM {} (findDeclarationRanges? name)) with
  | some ranges => return some (ranges.range.pos, ranges.range.endPos)
  | none => return none

/-- A context outside all commands. -/
def outermost (env : Environment) (input : String) : ContextInfo :=
  { env := env, fileMap := FileMap.ofString input, ngen := {} }

def version : String := Lean.versionString
def githash : String := Lean.githash

end GoalStates.Shim
