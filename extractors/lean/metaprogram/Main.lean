import GoalStates
open Lean

/-- The name of a module, `A.B.c`. -/
def nameOf (text : String) : Name :=
  (text.splitOn ".").foldl (fun name part => Name.mkStr name part) Name.anonymous

def main (args : List String) : IO UInt32 := do
  match args with
  | [path, module] => GoalStates.run path (nameOf module) {}; return 0
  | [path, module, "--no-premises"] =>
    GoalStates.run path (nameOf module) { premises := false }; return 0
  | _ =>
    IO.eprintln "usage: goal_states FILE MODULE [--no-premises]"
    return 2
