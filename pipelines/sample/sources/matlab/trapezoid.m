function s = trapezoid(f, a, b, n)
% TRAPEZOID Integrates f from a to b by the trapezoidal rule on n intervals.
x = linspace(a, b, n + 1);
y = f(x);
s = (b - a) / n * (sum(y) - (y(1) + y(end)) / 2);
end
