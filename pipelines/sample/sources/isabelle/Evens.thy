theory Evens
  imports Main
begin

text \<open>Sums of the first odd numbers are squares.\<close>

lemma sum_odds: "(\<Sum>i<n. 2 * i + 1) = (n::nat) ^ 2"
proof (induct n)
  case 0
  show ?case by simp
next
  case (Suc n)
  then show ?case by (simp add: power2_eq_square)
qed

end
