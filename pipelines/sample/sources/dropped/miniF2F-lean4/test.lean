theorem mathd_algebra_10 : abs (120/100 * 30 - 130/100 * 20) = 10 := by norm_num
