using MudBlazor;

namespace Backup.WebConsole.Layout;

/// <summary>The colours, each at least 4.5 to 1 against what it stands on, and the fonts that a machine has anyway.</summary>
internal static class Look
{
    private static readonly string[] Fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif"];

    public static MudTheme Theme { get; } = new()
    {
        PaletteLight = new PaletteLight
        {
            Primary = "#0b4f6c",
            Secondary = "#7a3e00",
            Info = "#0b4f6c",
            Success = "#1b5e20",
            Warning = "#7a3e00",
            Error = "#b00020",
            TextPrimary = "#1b1b1f",
            TextSecondary = "#44474e",
            Background = "#f7f8fa",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#7cc4e8",
            PrimaryContrastText = "#00202e",
            AppbarBackground = "#10222b",
            Info = "#7cc4e8",
            Success = "#81c784",
            Warning = "#ffb74d",
            Error = "#ff8a80",
            TextPrimary = "#f1f1f4",
            TextSecondary = "#c8cad0",
        },
        Typography = new Typography
        {
            Button = new ButtonTypography { TextTransform = "none", FontWeight = "600", LetterSpacing = "normal" },
            Default = new DefaultTypography { FontFamily = Fonts, LetterSpacing = "normal" },
        },
    };
}
