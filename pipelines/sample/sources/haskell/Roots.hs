module Roots (roots) where

import Data.Complex (Complex (..))
import qualified Numeric.LinearAlgebra as LA

-- | Roots of a monic polynomial: eigenvalues of its companion matrix.
roots :: [Double] -> [Complex Double]
roots coefficients = LA.toList (LA.eigenvalues companion)
  where
    n = length coefficients
    companion = LA.build (n, n) entry
    entry i j
      | i == 0 = negate (coefficients !! round j)
      | i == j + 1 = 1
      | otherwise = 0
