prelude
/-! What a proof of propositional logic needs to be elaborated when Lean's own library isn't there.

Lean's elaborator asks for some constants by their names; the statements are the evident ones. Each
tactic is only announced: its grammar is in Lean itself, which takes the announced kind for it. -/
universe u v

set_option linter.all false
set_option genInjectivity false
set_option genSizeOf false
set_option genSizeOfSpec false
set_option genCtorIdx false

unsafe axiom lcErased : Type
unsafe axiom lcAny : Type
unsafe axiom lcVoid : Type
unsafe axiom lcProof {α : Prop} : α

inductive True : Prop where
  | intro : True

inductive False : Prop

def Not (p : Prop) : Prop := p → False

set_option bootstrap.inductiveCheckResultingUniverse false in
inductive PUnit : Sort u where
  | unit : PUnit

abbrev Unit : Type := PUnit

@[inline] def id {α : Sort u} (a : α) : α := a

inductive Eq : α → α → Prop where
  | refl (a : α) : Eq a a

theorem rfl {α : Sort u} {a : α} : Eq a a := Eq.refl a

abbrev Eq.ndrec.{u1, u2} {α : Sort u2} {a : α} {motive : α → Sort u1} (m : motive a) {b : α}
    (h : Eq a b) : motive b :=
  Eq.rec (motive := fun x _ => motive x) m h

theorem Eq.symm {α : Sort u} {a b : α} (h : Eq a b) : Eq b a :=
  Eq.rec (motive := fun x _ => Eq x a) rfl h

inductive HEq : {α : Sort u} → α → {β : Sort u} → β → Prop where
  | refl (a : α) : HEq a a

theorem eq_of_heq {α : Sort u} {a b : α} (h : HEq a b) : Eq a b :=
  have along : (β γ : Sort u) → (x : β) → (y : γ) → HEq x y → (e : Eq β γ) →
      Eq (Eq.ndrec (motive := fun z => z) x e) y :=
    fun _ _ _ _ g => g.rec (fun _ => rfl)
  along α α a b h rfl

theorem heq_of_eq {α : Sort u} {a b : α} (h : Eq a b) : HEq a b :=
  Eq.rec (motive := fun x _ => HEq a x) (HEq.refl a) h

structure PULift.{r, s} (α : Sort s) : Sort (max s 1 r) where
  up ::
  down : α

structure PProd (α : Sort u) (β : Sort v) where
  fst : α
  snd : β

structure And (p q : Prop) : Prop where
  intro ::
  left : p
  right : q

inductive Or (p q : Prop) : Prop where
  | inl (h : p) : Or p q
  | inr (h : q) : Or p q

structure Iff (p q : Prop) : Prop where
  intro ::
  mp : p → q
  mpr : q → p

inductive Bool : Type where
  | false : Bool
  | true : Bool

@[macro_inline] def cond {α : Sort u} (c : Bool) (x y : α) : α :=
  Bool.casesOn (motive := fun _ => α) c y x


inductive Nat where
  | zero : Nat
  | succ (n : Nat) : Nat


class OfNat (α : Type u) (_ : Nat) where
  ofNat : α

@[instance 100] instance instOfNatNat : (n : Nat) → OfNat Nat n := fun n => OfNat.mk n

axiom String : Type
axiom sorryAx (α : Sort u) (synthetic : Bool) : α

namespace Lean
inductive Name where
  | anonymous : Name
  | str (pre : Name) (part : String)
  | num (pre : Name) (part : Nat)
namespace Name
abbrev mkStr (p : Name) (s : String) : Name := Name.str p s
abbrev mkSimple (s : String) : Name := .str .anonymous s
abbrev mkStr1 (a : String) : Name := .str .anonymous a
abbrev mkStr2 (a b : String) : Name := .str (.str .anonymous a) b
abbrev mkStr3 (a b c : String) : Name := .str (.str (.str .anonymous a) b) c
abbrev mkStr4 (a b c d : String) : Name := .str (.str (.str (.str .anonymous a) b) c) d
end Name
abbrev SyntaxNodeKind := Name
inductive ParserDescr where
  | node (kind : SyntaxNodeKind) (prec : Nat) (p : ParserDescr)
  | nodeWithAntiquot (name : String) (kind : SyntaxNodeKind) (p : ParserDescr)
  | symbol (text : String)
  | nonReservedSymbol (text : String) (includeIdent : Bool)
end Lean

namespace Lean.Parser.Tactic
syntax optConfig := "ground_optConfig"
syntax caseArg := "ground_caseArg"
syntax elimTarget := "ground_elimTarget"
syntax inductionAlt := "ground_inductionAlt"
syntax inductionAltLHS := "ground_inductionAltLHS"
syntax inductionAlts := "ground_inductionAlts"
syntax (name := intro) "ground_intro" : tactic
syntax (name := exact) "ground_exact" : tactic
syntax (name := apply) "ground_apply" : tactic
syntax (name := assumption) "ground_assumption" : tactic
syntax (name := constructor) "ground_constructor" : tactic
syntax (name := left) "ground_left" : tactic
syntax (name := right) "ground_right" : tactic
syntax (name := cases) "ground_cases" : tactic
syntax (name := case) "ground_case" : tactic
syntax (name := first) "ground_first" : tactic
syntax (name := allGoals) "ground_allGoals" : tactic
syntax (name := paren) "ground_paren" : tactic
end Lean.Parser.Tactic
namespace Lean
syntax (name := cdot) "ground_cdot" : tactic
end Lean
