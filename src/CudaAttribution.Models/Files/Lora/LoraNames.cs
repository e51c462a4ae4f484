namespace CudaAttribution.Models.Files.Lora;

/// <summary>The part of a model that an adapter's weights are for.</summary>
public enum LoraTarget
{
    UNet,
    TextEncoder,
}

/// <summary>What a tensor of an adapter is.</summary>
internal enum LoraRole
{
    /// <summary>The matrix that is applied first, <c>[rank, in]</c>.</summary>
    Down,

    /// <summary>The matrix that is applied second, <c>[out, rank]</c>.</summary>
    Up,

    /// <summary>The number that the product is scaled by, after division by the rank.</summary>
    Alpha,
}

/// <summary>Which module of a model a tensor of an adapter is for.</summary>
/// <param name="Target">Part of the model.</param>
/// <param name="Module">Name of the module in it: dotted, or as kohya writes it with <c>_</c> for every dot.</param>
/// <param name="IsFlat">Whether it is written as kohya writes it.</param>
internal readonly record struct LoraKey(LoraTarget Target, string Module, bool IsFlat);

/// <summary>Names of tensors in adapter files: those of diffusers in its three generations, of PEFT, and of kohya's scripts.</summary>
internal static class LoraNames
{
    /// <summary>Longer endings before those that they end with.</summary>
    private static readonly (string Suffix, LoraRole Role)[] Suffixes =
    [
        (".lora_linear_layer.down.weight", LoraRole.Down), (".lora_linear_layer.up.weight", LoraRole.Up),
        (".lora_A.default.weight", LoraRole.Down), (".lora_B.default.weight", LoraRole.Up),
        (".lora_A.weight", LoraRole.Down), (".lora_B.weight", LoraRole.Up),
        (".lora_down.weight", LoraRole.Down), (".lora_up.weight", LoraRole.Up),
        (".lora.down.weight", LoraRole.Down), (".lora.up.weight", LoraRole.Up),
        ("_lora.down.weight", LoraRole.Down), ("_lora.up.weight", LoraRole.Up),
        (".alpha", LoraRole.Alpha),
    ];

    private static readonly (string Prefix, LoraTarget Target)[] FlatPrefixes =
        [("lora_unet_", LoraTarget.UNet), ("lora_te_", LoraTarget.TextEncoder), ("lora_te1_", LoraTarget.TextEncoder)];

    private static readonly (string Prefix, LoraTarget Target)[] Prefixes =
        [("unet.", LoraTarget.UNet), ("text_encoder.", LoraTarget.TextEncoder), ("base_model.model.", LoraTarget.UNet)];

    /// <summary>What the first diffusers called the projections of the text encoder's attention.</summary>
    private static readonly (string Older, string Current)[] TextProjections =
        [(".to_q", ".q_proj"), (".to_k", ".k_proj"), (".to_v", ".v_proj"), (".to_out", ".out_proj")];

    /// <summary>Reads a name; null where it is none of an adapter.</summary>
    public static (LoraKey Key, LoraRole Role)? Parse(string name)
    {
        var (suffix, role) = Suffixes.FirstOrDefault(s => name.EndsWith(s.Suffix, StringComparison.Ordinal));
        if (suffix is null || name.Length == suffix.Length) return null;
        string module = name[..^suffix.Length];
        foreach (var (prefix, target) in FlatPrefixes)
        {
            if (!module.StartsWith(prefix, StringComparison.Ordinal)) continue;
            return module.Contains('.') ? null : (new LoraKey(target, module[prefix.Length..], IsFlat: true), role);
        }
        var part = LoraTarget.UNet;
        foreach (var (prefix, target) in Prefixes)
        {
            if (!module.StartsWith(prefix, StringComparison.Ordinal)) continue;
            (module, part) = (module[prefix.Length..], target);
            break;
        }
        if (module.StartsWith("text_model.", StringComparison.Ordinal)) part = LoraTarget.TextEncoder;
        return (new LoraKey(part, Current(module, part), IsFlat: false), role);
    }

    /// <summary>A module's name as kohya writes it.</summary>
    public static string Flat(string module) => module.Replace('.', '_');

    private static string Current(string module, LoraTarget target)
    {
        module = module.Replace(".processor.", ".", StringComparison.Ordinal);
        if (target == LoraTarget.UNet) return module.EndsWith(".to_out", StringComparison.Ordinal) ? module + ".0" : module;
        foreach (var (older, current) in TextProjections)
        {
            if (module.EndsWith(older, StringComparison.Ordinal)) return module[..^older.Length] + current;
        }
        return module;
    }
}
