# Legendre polynomials by their recurrence, and their norms.
legendre := proc(n::nonnegint, x::name)
  local p, k;
  p[0] := 1; p[1] := x;
  for k from 2 to n do
    p[k] := expand(((2*k - 1)*x*p[k-1] - (k - 1)*p[k-2])/k);
  end do;
  p[n];
end proc:

seq(int(legendre(n, x)^2, x = -1 .. 1), n = 0 .. 4);
