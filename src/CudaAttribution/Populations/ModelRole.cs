namespace CudaAttribution.Populations;

/// <summary>What an experiment trains a model for (docs/method.md "Setting"); <see cref="ModelPlan.Validate"/> demands what each role means.</summary>
public enum ModelRole
{
    /// <summary>The model that is judged: any share ρ of the source's pictures, prompts of any regime. In files, what names no role.</summary>
    Suspect,

    /// <summary>The owner's model, trained on real pictures only.</summary>
    Source,

    /// <summary>The source once more, with another seed: real pictures only, those of the source.</summary>
    Twin,

    /// <summary>A model that never saw an output of the owner's source: real pictures of its family, or a sibling source's pictures.</summary>
    Innocent,

    /// <summary>A model of known share ρ that others are compared with; everything that a suspect may be.</summary>
    Shadow,
}
