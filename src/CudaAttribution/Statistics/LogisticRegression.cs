namespace CudaAttribution.Statistics;

/// <summary>
/// Logistic regression with an L2 penalty: the weights w and the intercept b that minimise ½·w·w + C·Σ ln(1 + exp(-y·(w·x + b))), y = ±1; the intercept
/// is not penalised. That is scikit-learn's objective. Newton's method in float64: the objective is strictly convex, so there is one answer.
/// </summary>
/// <param name="Weights">w.</param>
/// <param name="Intercept">b.</param>
public sealed record LogisticRegression(IReadOnlyList<double> Weights, double Intercept)
{
    private const int MaxSteps = 200;

    /// <summary>Fits.</summary>
    /// <param name="rows">Features, standardised; rows of equal length, finite.</param>
    /// <param name="labels">Whether a row is of the positive class; both classes occur.</param>
    /// <param name="c">C, the weight of the data against the penalty.</param>
    /// <exception cref="ArithmeticException">It does not converge; features that are not standardised can do that.</exception>
    public static LogisticRegression Fit(IReadOnlyList<double[]> rows, IReadOnlyList<bool> labels, double c = 1)
    {
        if (rows.Count != labels.Count || labels.Distinct().Count() != 2)
            throw new ArgumentException("rows of both classes, and a label for each, are needed", nameof(labels));
        if (rows.Any(r => r.Length != rows[0].Length || r.Any(f => !double.IsFinite(f))))
            throw new ArgumentException("rows must be of equal length and finite", nameof(rows));
        if (!(c > 0) || !double.IsFinite(c)) throw new ArgumentOutOfRangeException(nameof(c), c, "a positive number is needed");
        int width = rows[0].Length;
        // The last parameter is the intercept.
        double[] beta = new double[width + 1];
        double objective = Objective(beta);
        for (int step = 0; step < MaxSteps; step++)
        {
            var (gradient, hessian) = Derivatives(beta);
            double[] direction = Solve(hessian, gradient);
            double decrement = Enumerable.Range(0, beta.Length).Sum(k => direction[k] * gradient[k]);
            // Near the minimum a step squares the error, which here is below the rounding of the objective.
            if (decrement < 1e-12 * (1 + Math.Abs(objective)))
            {
                beta = Moved(beta, direction, 1);
                return new(beta[..width], beta[width]);
            }
            double length = 1, value;
            double[] next;
            while ((value = Objective(next = Moved(beta, direction, length))) > objective - (1e-4 * length * decrement)) length /= 2;
            (beta, objective) = (next, value);
        }
        throw new ArithmeticException($"the logistic regression did not converge in {MaxSteps} steps");

        static double[] Moved(double[] from, double[] direction, double length) => [.. from.Select((b, k) => b - (length * direction[k]))];

        double Objective(double[] at)
        {
            double sum = 0;
            for (int i = 0; i < rows.Count; i++) sum += Loss(Margin(at, rows[i]), labels[i]);
            double penalty = 0;
            for (int k = 0; k < width; k++) penalty += at[k] * at[k];
            return (penalty / 2) + (c * sum);
        }

        (double[] Gradient, double[,] Hessian) Derivatives(double[] at)
        {
            double[] gradient = new double[width + 1];
            double[,] hessian = new double[width + 1, width + 1];
            for (int i = 0; i < rows.Count; i++)
            {
                double p = Probability(Margin(at, rows[i])), residual = c * (p - (labels[i] ? 1 : 0)), weight = c * p * (1 - p);
                for (int k = 0; k <= width; k++)
                {
                    double xk = k < width ? rows[i][k] : 1;
                    gradient[k] += residual * xk;
                    for (int l = 0; l <= k; l++) hessian[k, l] += weight * xk * (l < width ? rows[i][l] : 1);
                }
            }
            for (int k = 0; k < width; k++)
            {
                gradient[k] += at[k];
                hessian[k, k] += 1;
            }
            // Saturated probabilities leave the intercept's curvature at 0.
            hessian[width, width] += 1e-12 * c * rows.Count;
            return (gradient, hessian);
        }
    }

    /// <summary>ln(P / (1 - P)) of the positive class.</summary>
    public double Logit(IReadOnlyList<double> features)
    {
        double sum = Intercept;
        for (int k = 0; k < Weights.Count; k++) sum += Weights[k] * features[k];
        return sum;
    }

    private static double Margin(double[] beta, double[] row)
    {
        double sum = beta[^1];
        for (int k = 0; k < row.Length; k++) sum += beta[k] * row[k];
        return sum;
    }

    private static double Probability(double logit) => logit >= 0 ? 1 / (1 + Math.Exp(-logit)) : Math.Exp(logit) / (1 + Math.Exp(logit));

    private static double Loss(double logit, bool positive)
    {
        double margin = positive ? logit : -logit;
        return Math.Max(-margin, 0) + Math.Log(1 + Math.Exp(-Math.Abs(margin)));
    }

    /// <summary>Solves a symmetric positive definite system, given by its lower triangle, by Cholesky's factors.</summary>
    private static double[] Solve(double[,] a, double[] b)
    {
        int n = b.Length;
        double[,] l = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = a[i, j];
                for (int k = 0; k < j; k++) sum -= l[i, k] * l[j, k];
                l[i, j] = i == j ? Math.Sqrt(sum) : sum / l[j, j];
            }
        }
        double[] x = [.. b];
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++) x[i] -= l[i, k] * x[k];
            x[i] /= l[i, i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++) x[i] -= l[k, i] * x[k];
            x[i] /= l[i, i];
        }
        return x;
    }
}
