#include <Eigen/Dense>
#include <iostream>

// Fits a straight line through points by the normal equations.
Eigen::Vector2d fit(const Eigen::VectorXd &x, const Eigen::VectorXd &y)
{
    Eigen::MatrixXd design(x.size(), 2);
    design.col(0).setOnes();
    design.col(1) = x;
    return (design.transpose() * design).ldlt().solve(design.transpose() * y);
}

int main()
{
    Eigen::VectorXd x = Eigen::VectorXd::LinSpaced(9, 0.0, 2.0);
    std::cout << fit(x, x.array().square().matrix()) << std::endl;
}
