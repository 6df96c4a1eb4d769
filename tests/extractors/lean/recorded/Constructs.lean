/-! Every construct that an extractor has to get right, in proofs written for this project. -/

namespace Ομαδα

variable {α : Type} {β γ : Prop}

/-- Non-ASCII names and text: αβγ, ⟨⟩, 𝔸. -/
theorem «tausch» {Δ₁ Δ₂ : Prop} (hΔ : Δ₁ ∧ Δ₂) : Δ₂ ∧ Δ₁ := by
  cases hΔ with
  | intro h₁ h₂ =>
    apply And.intro
    · exact h₂
    · exact h₁

theorem both (p q : Prop) (hp : p) (hq : q) : (p ∧ q) ∧ (q ∧ p) := by
  apply And.intro <;> apply And.intro <;> assumption

theorem all_of_them (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  apply And.intro
  allGoals
    assumption

theorem by_induction (n : Nat) : 0 + n = n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [Nat.add_succ, ih]

theorem simplified (a b : Nat) (h : a + 0 = b) (k : b = a + 0) : b = a := by
  simp at *
  exact k

theorem alternatives (p q : Prop) (hq : q) : p ∨ q := by
  first
  | apply Or.inl; assumption
  | apply Or.inr; assumption

theorem have_and_show (p q : Prop) (hp : p) (f : p → q) : q := by
  have hq : q := by
    apply f
    exact hp
  show q
  exact hq

theorem a_term (p : Prop) (h : p) : p := h

theorem mixed (p q : Prop) (hp : p) (hq : q) : p ∧ q :=
  And.intro (by exact hp) hq

theorem rewritten (a b : Nat) (h : a = b) : b + 0 = a + 0 := by
  rw [h]

structure Pair (p q : Prop) where
  first : p
  second : q

def swapped (h : Pair β γ) : Pair γ β where
  first := by
    exact h.second
  second := by
    exact h.first

instance : Inhabited (Pair True True) where
  default := Pair.mk (by exact True.intro) True.intro

example (p : Prop) (h : p) : p := by
  exact h

def equations : Nat → Nat
  | 0 => 0
  | n + 1 => n

theorem gap (p : Prop) : p := by
  admit

theorem broken (p q : Prop) (hp : p) : p ∧ q := by
  apply And.intro
  exact hp
  exact hp

theorem nach_dem_fehler (p : Prop) (h : p) : p := by
  exact h

end Ομαδα
