// The files that crashpoint itself writes, recognised by what is in them: each begins with its format.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace crashpoint {

inline constexpr std::string_view kReportFormat = "crashpoint-report";
inline constexpr std::string_view kBundleFormat = "crashpoint-bundle";

// The format that `file` says it has: the value of "format" where that is the first key of a JSON object,
// as crashpoint writes it. Empty: there is no such file, or it begins otherwise.
[[nodiscard]] std::string format_of(const std::filesystem::path& file);

// A directory with the bundle.json of a bundle.
[[nodiscard]] bool is_bundle(const std::filesystem::path& folder);

}  // namespace crashpoint
