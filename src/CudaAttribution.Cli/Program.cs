using System.CommandLine;
using CudaAttribution.Cli.Commands;
using CudaAttribution.Cli.Running;

var root = new RootCommand(
    """
    cudattr answers one question for the owner of a text-to-image model: was that other model trained on pictures that mine generated?

    The owner can run the own model and can only send prompts to the suspect. 'cudattr audit' goes from the model and the log of what it served to a verdict
    on each suspect, exact and without reference models; 'cudattr evidence verify' lets the other side check it.
    The published method, whose outcomes are indications, goes through four steps:
      1. keys select       find prompts whose pictures the source model has memorised (key samples), frozen and hashed
      2. innocents score   ask models that are known to be innocent the same prompts: what chance and shared data explain
      3. attribute         ask the suspect, count, and rank the counts among the innocents, with a report
      4. runs              look at what was done
    'cudattr demo' does the latter on small models, on the CPU, in minutes. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check failed,
    4 a defect of this program.
    """)
{
    DemoCommand.Create(),
    AuditCommand.Create(),
    TrainCommand.CreateTrain(),
    TrainCommand.CreateFinetune(),
    SampleCommand.Create(),
    ReconstructCommand.Create(),
    SuspectCommand.Create(),
    InnocentsCommand.Create(),
    KeysCommand.Create(),
    AttributeCommand.Create(),
    ServeCommand.Create(),
    ServedCommand.Create(),
    EvidenceCommand.Create(),
    RunsCommand.Create(),
    TwinsCommand.Create(),
    ShadowCommand.Create(),
    DiscriminatorCommand.Create(),
    ExperimentCommand.Create(),
    UnitCommand.Create(),
    DataCommand.Create(),
    DescriptorCommand.Create(),
    VerifyCommand.Create(),
    ConvertCommand.Create(),
    ProbeCommand.Create(),
    DiffCommand.Create(),
    BenchCommand.Create(),
    DoctorCommand.Create(),
};

BriefHelp.Install(root);
return Shell.Run(root, args);
