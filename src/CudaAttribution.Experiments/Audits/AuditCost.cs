using System.Globalization;
using CudaAttribution.Remote;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Audits;

/// <summary>What an audit will take, at most, before it is begun.</summary>
/// <param name="FreshPictures">Pictures that the source draws.</param>
/// <param name="Queries">Queries to each suspect.</param>
/// <param name="Suspects">Suspects.</param>
/// <param name="Controls">Controls, asked as often as a suspect.</param>
/// <param name="Money">What services charge, by their descriptions.</param>
public sealed record AuditCost(int FreshPictures, int Queries, int Suspects, int Controls, decimal Money)
{
    /// <exception cref="UserException">The log or a description cannot be read.</exception>
    public static AuditCost Of(AuditOptions options)
    {
        int pool = 0, asked = 0;
        if (options.Served is { } path)
        {
            var prompts = ServedLogReader.Read(path).Testable.GroupBy(p => p.Account).Select(a => a.Select(p => p.Prompt).Distinct().Count()).ToArray();
            (pool, asked) = (prompts.Sum(n => Math.Min(n, options.Pool)), prompts.Sum(n => Math.Min(n, options.Prompts)));
        }
        if (options.Twins is { } twins && !options.Sequential)
            asked += Math.Min(options.SwapPrompts, TwinSet.Load(twins).Design.Prompts.Count) * options.SwapAnswers;
        decimal money = options.Suspects.Where(SuspectOpener.IsService).Select(HttpService.Load)
            .Sum(s => s.Description.Limits.CostPerCall * asked * (1 + s.Description.DecoysPerKey));
        return new(pool * options.Fresh, asked, options.Suspects.Count, options.Served is null ? 0 : options.Base is null ? 1 : 2, money);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"the source draws {FreshPictures} fresh pictures; {Suspects} suspects and {Controls} controls are asked {Queries} prompts each, at most; services "
        + $"charge {Money} at most");
}
