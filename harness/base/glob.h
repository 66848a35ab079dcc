// Globs, in the two dialects the harness needs.
//
// Paths    As in .gitignore: `*` and `?` stop at '/', `**` does not, `[a-z]` and `[!a-z]` are
//          classes, '\' quotes. A pattern without '/' is held against the last component, so that
//          "*.incr.aof" finds "appendonlydir/appendonly.aof.1.incr.aof"; one with '/' against all.
// Names    Of cases: only `*` and `?` are special and both match '/', because brackets are part of
//          a name ("aof/kill-mid-fsync[nth=3]").
#pragma once

#include <string>
#include <string_view>

namespace crashpoint {

[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view path);
[[nodiscard]] bool name_match(std::string_view pattern, std::string_view name);

// Why `pattern` is no path glob ("'[' at 3 is never closed"); empty when it is one.
[[nodiscard]] std::string path_glob_problem(std::string_view pattern);

// Why `path` cannot be one inside a directory ("is absolute", "leads outside"), taken literally;
// empty when it stays inside.
[[nodiscard]] std::string outside_problem(std::string_view path);

}  // namespace crashpoint
