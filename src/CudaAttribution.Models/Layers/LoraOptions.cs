using CudaAttribution.Runs;

namespace CudaAttribution.Models.Layers;

/// <summary>A model's low-rank adapter (LoRA, Hu et al. 2022) on the projections of the UNet's attentions.</summary>
/// <param name="Rank">Rank of the two matrices.</param>
/// <param name="Alpha">Their product counts alpha / rank times; null for alpha = rank, as diffusers' training scripts have it.</param>
/// <param name="Seed">Seed of the starting values.</param>
public sealed record LoraOptions(int Rank, double? Alpha = null, ulong Seed = 0)
{
    /// <summary>What the product is multiplied by.</summary>
    public double Factor => (Alpha ?? Rank) / Rank;

    /// <exception cref="UserException">A value makes no sense; the message names it.</exception>
    public void Validate()
    {
        if (Rank < 1) throw new UserException($"the rank of an adapter is {Rank}", "It must be positive.") { Setting = "lora-rank" };
        if (!(Alpha is null or > 0) || !double.IsFinite(Factor))
        {
            throw new UserException(FormattableString.Invariant($"the alpha of an adapter is {Alpha}"), "It must be a positive number.") { Setting = "lora-alpha" };
        }
    }
}
