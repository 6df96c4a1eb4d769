Require Import List.
Import ListNotations.

(* The wire-frame of the proof: reversal is its own inverse, a pragmatic lemma. *)
Lemma rev_snoc : forall (A : Type) (xs : list A) (x : A), rev (xs ++ [x]) = x :: rev xs.
Proof.
  intros A xs x. induction xs as [| y ys IH]; simpl.
  - reflexivity.
  - rewrite IH. reflexivity.
Qed.

Theorem rev_rev : forall (A : Type) (xs : list A), rev (rev xs) = xs.
Proof.
  induction xs as [| y ys IH]; simpl; [reflexivity |].
  rewrite rev_snoc, IH. reflexivity.
Qed.
