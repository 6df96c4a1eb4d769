import Lake
open Lake DSL

/-- The folder with the shim of this Lean: the same few names over another version's interface. -/
def shim : System.FilePath :=
  if Lean.version.major == 4 && Lean.version.minor < 7 then "shims" / "v4_0" else "shims" / "v4_7"

package goal_states

lean_lib Shim where
  srcDir := shim
  roots := #[`Shim]

lean_lib GoalStates where
  roots := #[`GoalStates]

@[default_target]
lean_exe goal_states where
  root := `Main
  supportInterpreter := true
