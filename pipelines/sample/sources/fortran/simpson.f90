module quadrature
  implicit none
  integer, parameter :: dp = kind(1.0d0)
contains
  ! Simpson's rule on an even number of intervals.
  function simpson(f, a, b, n) result(s)
    interface
      real(dp) function f(x)
        import :: dp
        real(dp), intent(in) :: x
      end function f
    end interface
    real(dp), intent(in) :: a, b
    integer, intent(in) :: n
    real(dp) :: s, h
    integer :: i
    h = (b - a) / n
    s = f(a) + f(b)
    do i = 1, n - 1
      s = s + merge(4.0_dp, 2.0_dp, mod(i, 2) == 1) * f(a + i * h)
    end do
    s = s * h / 3.0_dp
  end function simpson
end module quadrature
