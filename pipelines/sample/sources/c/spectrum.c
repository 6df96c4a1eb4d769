#include <math.h>
#include "fftw3.h"

/* Power spectrum of a real signal; out has n / 2 + 1 entries. */
void spectrum(int n, double *in, double *out)
{
    fftw_complex *coefficients = fftw_malloc(sizeof(fftw_complex) * (n / 2 + 1));
    fftw_plan plan = fftw_plan_dft_r2c_1d(n, in, coefficients, FFTW_ESTIMATE);
    fftw_execute(plan);
    for (int k = 0; k <= n / 2; k++)
        out[k] = hypot(coefficients[k][0], coefficients[k][1]) / n;
    fftw_destroy_plan(plan);
    fftw_free(coefficients);
}
