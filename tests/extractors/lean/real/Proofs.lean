prelude
import Ground

namespace Übung
/-- Both halves, the other way round. -/
theorem swap {α β : Prop} (h : And α β) : And β α := by
  cases h with
  | intro hα hβ =>
    constructor
    · exact hβ
    · exact hα

theorem both {p q : Prop} : Iff (And p q) (And q p) := by
  constructor
  all_goals
    intro h
    exact And.intro h.right h.left

theorem one_of {p q : Prop} (h : q) : Or p q := by
  first
    | assumption
    | (right; assumption)

theorem a_term {p : Prop} (h : p) : p := h

theorem broken {p q : Prop} (h : p) : And p q := by
  constructor
  exact h
  assumption
end Übung
