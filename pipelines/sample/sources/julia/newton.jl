using LinearAlgebra

"Newton's method for a system; returns the root and how many steps it took."
function newton(f, jacobian, x; tolerance = 1e-12, steps = 50)
    for step in 1:steps
        update = jacobian(x) \ f(x)
        x -= update
        norm(update) < tolerance && return x, step
    end
    error("no convergence in $steps steps")
end

root, steps = newton(v -> [v[1]^2 + v[2]^2 - 1, v[1] - v[2]], v -> [2v[1] 2v[2]; 1 -1], [1.0, 0.5])
println(root, " in ", steps)
