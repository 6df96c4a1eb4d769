function y = racine(x)
% la racine carrée, à dix chiffres près
y = x;
for k = 1:20
  y = (y + x ./ y) / 2;
end
