#include "harness/ptrace/environment.h"

#include <elf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ios>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/base/error.h"
#include "harness/fault/fault.h"
#include "harness/fault/libfiu.h"
#include "harness/target/process.h"

namespace crashpoint::ptrace {
namespace {

// An ELF file without an interpreter loads no libraries.
bool is_static_elf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header{};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return false;
  }
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    file.seekg(static_cast<std::streamoff>(header.e_phoff + std::uint64_t{i} * header.e_phentsize));
    if (file.read(reinterpret_cast<char*>(&segment), sizeof segment) &&
        segment.p_type == PT_INTERP) {
      return false;
    }
  }
  return true;
}

std::string value_of(const std::map<std::string, std::string>& environment, const char* name) {
  if (const auto found = environment.find(name); found != environment.end()) {
    return found->second;
  }
  const char* const ours = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return ours != nullptr ? ours : "";
}

void append(std::map<std::string, std::string>& environment, const char* name,
            std::string_view separator, std::string_view value) {
  std::string before = value_of(environment, name);
  environment[name] =
      before.empty() ? std::string(value) : fmt::format("{}{}{}", before, separator, value);
}

std::string libfiu_points_of(const TracerOptions& options) {
  std::set<std::string> points;
  for (const fault::Fault& fault : options.faults) {
    if (const auto* const libfiu = std::get_if<fault::Libfiu>(&fault.action)) {
      const std::vector<std::string> meant = fault::libfiu_points(libfiu->name);
      points.insert(meant.begin(), meant.end());
    }
  }
  return fmt::format("{}", fmt::join(points, ","));
}

}  // namespace

void prepare_environment(const std::string& program, const TracerOptions& options,
                         const fault::FiuPreload* fiu,
                         std::map<std::string, std::string>& environment) {
  append(environment, "ASAN_OPTIONS", ":", "detect_leaks=0");
  append(environment, "LSAN_OPTIONS", ":", "detect_leaks=0");
  if (options.record) {
    environment["CRASHPOINT_FAILPOINTS"] = "traced";
  }
  if (fiu == nullptr) {
    return;
  }
  if (is_static_elf(target::find_program(program))) {
    throw UsageError(fmt::format(
        "{} is a static program: libfiu's preload cannot reach it; use syscall faults", program));
  }
  append(environment, "LD_PRELOAD", ":", fiu->libraries());
  environment["CRASHPOINT_LIBFIU"] = libfiu_points_of(options);
}

}  // namespace crashpoint::ptrace
