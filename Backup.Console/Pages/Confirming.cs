using MudBlazor;

namespace Backup.WebConsole.Pages;

internal static class Confirming
{
    /// <summary>Asks before something that others notice.</summary>
    public static async Task<bool> ConfirmAsync(this IDialogService dialogs, string question, string what, string yes) =>
        await dialogs.ShowMessageBoxAsync(new MessageBoxOptions { Title = question, Message = what, YesText = yes, CancelText = "Cancel" }) == true;
}
