import Mathlib.Algebra.Order.Ring.Lemmas

/-- A sum of two squares vanishes only if both do. -/
theorem sq_add_sq_eq_zero' {a b : ℝ} (h : a ^ 2 + b ^ 2 = 0) : a = 0 ∧ b = 0 := by
  constructor
  · nlinarith [sq_nonneg a, sq_nonneg b]
  · nlinarith [sq_nonneg a, sq_nonneg b]

example : (2 : ℕ) + 2 = 4 := rfl
