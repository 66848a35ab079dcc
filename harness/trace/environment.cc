#include "harness/trace/environment.h"

#include <elf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ios>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "harness/base/error.h"
#include "harness/target/process.h"
#include "harness/trace/fault.h"

namespace crashpoint::trace {
namespace {

// Where Debian's libfiu0 has them.
constexpr const char* kRunPreload = "/usr/lib/fiu/fiu_run_preload.so";
constexpr const char* kPosixPreload = "/usr/lib/fiu/fiu_posix_preload.so";

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
    file.seekg(static_cast<std::streamoff>(header.e_phoff + i * header.e_phentsize));
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

// One command of libfiu's remote control language for each fault.
std::string libfiu_commands(const TracerOptions& options) {
  std::string commands;
  for (const Fault& fault : options.faults) {
    if (const auto* const libfiu = std::get_if<Libfiu>(&fault.action)) {
      commands +=
          fmt::format("enable_random name={},probability={}", libfiu->name, libfiu->probability);
      if (libfiu->error != 0) {
        commands += fmt::format(",failinfo={}", libfiu->error);
      }
      commands += '\n';
    }
  }
  return commands;
}

}  // namespace

void require_libfiu() {
  if (::access(kRunPreload, R_OK) != 0 || ::access(kPosixPreload, R_OK) != 0) {
    throw EnvironmentError(fmt::format("libfiu faults need {} and {}: install libfiu0 (Debian)",
                                       kRunPreload, kPosixPreload));
  }
}

void prepare_environment(const std::string& program, const TracerOptions& options,
                         std::map<std::string, std::string>& environment) {
  append(environment, "ASAN_OPTIONS", ":", "detect_leaks=0");
  append(environment, "LSAN_OPTIONS", ":", "detect_leaks=0");
  if (options.record) {
    environment["CRASHPOINT_FAILPOINTS"] = "traced";
  }
  const std::string commands = libfiu_commands(options);
  if (commands.empty()) {
    return;
  }
  require_libfiu();
  if (is_static_elf(target::find_program(program))) {
    throw UsageError(fmt::format(
        "{} is a static program: libfiu's preload cannot reach it; use syscall faults", program));
  }
  append(environment, "LD_PRELOAD", ":", fmt::format("{}:{}", kRunPreload, kPosixPreload));
  append(environment, "FIU_ENABLE", "\n", commands);
  environment["FIU_PRNG_SEED"] = std::to_string(options.seed % 0x7fffffff);
}

}  // namespace crashpoint::trace
