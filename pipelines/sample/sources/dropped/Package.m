(* ::Package:: *)
BeginPackage["Sums`"]
Square[x_] := x^2
EndPackage[]
