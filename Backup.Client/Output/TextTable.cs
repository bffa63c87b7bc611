using System.Text;

namespace Backup.Client;

/// <summary>Columns of plain text, aligned, two spaces between. The last column is never padded.</summary>
/// <param name="titles">A title that starts with '&gt;' aligns its column to the right.</param>
internal sealed class TextTable(params string[] titles)
{
    private readonly List<string[]> rows = [[.. titles.Select(title => title.TrimStart('>'))]];

    public void Add(params string[] cells) => rows.Add(cells);

    public IEnumerable<string> Lines()
    {
        var widths = titles.Select((_, i) => rows.Max(row => row[i].Length)).ToArray();
        foreach (var row in rows)
        {
            var line = new StringBuilder();
            for (var i = 0; i < row.Length; i++)
            {
                if (i > 0)
                    line.Append("  ");
                line.Append(titles[i].StartsWith('>') ? row[i].PadLeft(widths[i]) : i == row.Length - 1 ? row[i] : row[i].PadRight(widths[i]));
            }
            yield return line.ToString().TrimEnd();
        }
    }
}
