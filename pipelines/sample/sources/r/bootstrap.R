# Percentile interval of a statistic by the bootstrap.
bootstrap_interval <- function(x, statistic, level = 0.95, rounds = 2000) {
  values <- replicate(rounds, statistic(sample(x, replace = TRUE)))
  tail <- (1 - level) / 2
  quantile(values, c(tail, 1 - tail), names = FALSE)
}

set.seed(11)
print(bootstrap_interval(rexp(40), median))
