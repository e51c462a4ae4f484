using System.Globalization;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Remote;
using CudaAttribution.Runs;

namespace CudaAttribution.Experiments.Audits;

/// <summary>What an audit will take, at most, before it is begun.</summary>
/// <param name="Twins">What has to be trained and drawn of twins; null for nothing.</param>
/// <param name="FreshPictures">Pictures that the source draws.</param>
/// <param name="Queries">Queries to each suspect.</param>
/// <param name="Suspects">Suspects.</param>
/// <param name="Controls">Controls.</param>
/// <param name="ControlQueries">Queries to each control: the served prompts.</param>
/// <param name="Money">What services charge, by their descriptions.</param>
public sealed record AuditCost(TwinWork? Twins, int FreshPictures, int Queries, int Suspects, int Controls, int ControlQueries, decimal Money)
{
    /// <exception cref="UserException">A description cannot be read.</exception>
    public static AuditCost Of(AuditOptions options, AuditInputs inputs)
    {
        int pool = 0, asked = 0;
        if (inputs.Log is { } log)
        {
            var prompts = log.Testable.GroupBy(p => p.Account).Select(a => a.Select(p => p.Prompt).Distinct().Count()).ToArray();
            (pool, asked) = (prompts.Sum(n => Math.Min(n, options.Pool)), prompts.Sum(n => Math.Min(n, options.Prompts)));
        }
        int served = asked;
        if (inputs.Twins is { } twins) asked += Math.Min(options.SwapPrompts, twins.Design.Prompts.Count) * options.SwapAnswers;
        decimal money = options.Suspects.Where(SuspectOpener.IsService).Select(HttpService.Load)
            .Sum(s => s.Description.Limits.CostPerCall * asked * (1 + s.Description.DecoysPerKey));
        return new(inputs.Twins?.Work, pool * options.Fresh, asked, options.Suspects.Count, inputs.Log is null ? 0 : options.Base is null ? 1 : 2, served, money);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Making()}the source draws {FreshPictures} fresh pictures; {Suspects} suspects are asked {Queries} prompts each and {Controls} controls {ControlQueries}, at most; "
        + $"services charge {Money} at most");

    private string Making() => Twins is not { } work ? "" : string.Create(
        CultureInfo.InvariantCulture,
        $"{work.Trainings} models are trained, the twins and where its seed is known the source once more ({(work.Minutes is { } t ? $"about {t} minutes by the source's own training" : "how long is not known")}), "
        + $"and {work.Pictures} pictures of source and twins drawn; ");
}
