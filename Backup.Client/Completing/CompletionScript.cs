using System.Text;

namespace Backup.Client;

/// <summary>Completion as three shells want it: static tables, so that pressing Tab starts no process. Files complete where nothing else does.</summary>
internal static class CompletionScript
{
    public static string Bash(string name, IReadOnlyList<CompletionWords> all)
    {
        var script = new StringBuilder($"# bash completion for {name}\n{Function(name)}() {{\n    local word=\"${{COMP_WORDS[COMP_CWORD]}}\" at=\"\" i=1 skip=0\n");
        script.Append("    while [ $i -lt $COMP_CWORD ]; do\n        local w=\"${COMP_WORDS[i]}\"\n        if [ $skip = 1 ]; then skip=0\n");
        script.Append($"        elif [[ \" {string.Join(' ', WithValues(all))} \" == *\" $w \"* ]]; then skip=1\n");
        script.Append("        elif [[ \"$w\" != -* ]]; then\n            case \"$at $w\" in\n");
        script.Append($"                {string.Join('|', all.Where(words => words.Path.Length > 0).Select(words => $"\"{Spaced(words.Path)}\""))}) at=\"$at $w\";;\n            esac\n        fi\n        i=$((i+1))\n    done\n");
        script.Append("    if [ $skip = 1 ]; then COMPREPLY=($(compgen -f -- \"$word\")); return; fi\n    local words=\"\"\n    case \"$at\" in\n");
        foreach (var words in all)
            script.Append($"        \"{Spaced(words.Path)}\") words=\"{string.Join(' ', words.Commands.Select(c => c.Name).Concat(words.Options.SelectMany(o => o.Names)))}\";;\n");
        script.Append("    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n}\n");
        return script.Append($"complete -o filenames -F {Function(name)} {name}\n").ToString();
    }

    public static string Zsh(string name, IReadOnlyList<CompletionWords> all)
    {
        var script = new StringBuilder($"#compdef {name}\n{Function(name)}() {{\n    local at=\"\" i=2 skip=0 w\n    local -a commands options\n");
        script.Append("    while (( i < CURRENT )); do\n        w=\"${words[i]}\"\n        if (( skip )); then skip=0\n");
        script.Append($"        elif [[ \" {string.Join(' ', WithValues(all))} \" == *\" $w \"* ]]; then skip=1\n");
        script.Append("        elif [[ \"$w\" != -* ]]; then\n            case \"$at $w\" in\n");
        script.Append($"                {string.Join('|', all.Where(words => words.Path.Length > 0).Select(words => $"\"{Spaced(words.Path)}\""))}) at=\"$at $w\";;\n            esac\n        fi\n        (( i++ ))\n    done\n");
        script.Append("    if (( skip )); then _files; return; fi\n    case \"$at\" in\n");
        foreach (var words in all)
        {
            script.Append($"        \"{Spaced(words.Path)}\")\n            commands=({string.Join(' ', words.Commands.Select(c => Quoted($"{c.Name}:{c.Text.Replace(":", "\\:")}")))})\n");
            script.Append($"            options=({string.Join(' ', words.Options.SelectMany(o => o.Names.Select(n => Quoted($"{n}:{o.Text.Replace(":", "\\:")}"))))});;\n");
        }
        script.Append("    esac\n    [[ \"${words[CURRENT]}\" == -* ]] && { _describe option options; return; }\n");
        return script.Append($"    (( ${{#commands}} )) && _describe command commands || _files\n}}\ncompdef {Function(name)} {name}\n").ToString();
    }

    public static string Fish(string name, IReadOnlyList<CompletionWords> all)
    {
        var script = new StringBuilder($"# fish completion for {name}\n");
        foreach (var words in all)
        {
            var when = words.Path.Length == 0 ? "__fish_use_subcommand"
                : string.Join("; and ", words.Path.Split(' ').Select(word => $"__fish_seen_subcommand_from {word}"));
            var below = words.Path.Length > 0 && words.Commands.Count > 0 ? $"{when}; and not __fish_seen_subcommand_from {string.Join(' ', words.Commands.Select(c => c.Name))}" : when;
            foreach (var (command, text) in words.Commands)
                script.Append($"complete -c {name} -n {Quoted(below)} -f -a {command} -d {Quoted(text)}\n");
            foreach (var (names, text, takesValue) in words.Options)
            {
                var spelled = string.Concat(names.Select(n => n.StartsWith("--", StringComparison.Ordinal) ? $" -l {n[2..]}" : n is ['-', _] ? $" -s {n[1..]}" : ""));
                if (spelled.Length > 0)
                    script.Append($"complete -c {name} -n {Quoted(when)}{spelled}{(takesValue ? " -r" : "")} -d {Quoted(text)}\n");
            }
        }
        return script.ToString();
    }

    private static string Spaced(string path) => path.Length == 0 ? "" : " " + path;

    private static IEnumerable<string> WithValues(IReadOnlyList<CompletionWords> all) =>
        all.SelectMany(words => words.Options).Where(option => option.TakesValue).SelectMany(option => option.Names).Distinct();

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''")}'";

    /// <summary>A function's name may hold no dot in every shell.</summary>
    private static string Function(string name) => "_" + string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
}
