// crashpoint new: writes a commented scenario that is ready to run.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/embedded.h"
#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/cli/commands.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;

struct Template {
  const char* name;
  const char* what;
  const std::string_view& text;
};

const std::array<Template, 7> kTemplates = {{
    {"process-kill", "the server is killed around an fdatasync of its AOF",
     embedded::kTemplateProcessKill},
    {"snapshot", "the server is killed while it renames a snapshot into place",
     embedded::kTemplateSnapshot},
    {"disk-full", "the disk is temporarily full", embedded::kTemplateDiskFull},
    {"torn-tail", "the end of the AOF is missing after the crash", embedded::kTemplateTornTail},
    {"power-loss", "every crash state that a power loss permits in a short run",
     embedded::kTemplatePowerLoss},
    {"file-save", "a script replaces a file, and is crashed everywhere",
     embedded::kTemplateFileSave},
    {"command", "any program that acknowledges by lines of its output", embedded::kTemplateCommand},
}};

struct NewOptions {
  std::string name;
  std::string from = kTemplates[0].name;
};

const Template& find_template(const std::string& name) {
  std::vector<std::string> names;
  for (const Template& each : kTemplates) {
    if (each.name == name) {
      return each;
    }
    names.emplace_back(each.name);
  }
  const std::string meant = nearest(name, names);
  throw UsageError(fmt::format("--from: unknown template \"{}\"; {}", shorten(name),
                               meant.empty() ? fmt::format("allowed: {}", fmt::join(names, ", "))
                                             : fmt::format("did you mean \"{}\"?", meant)));
}

// The path from `folder` to schema/scenario.schema.json there or in a parent; empty if there is none.
std::string schema_path(const fs::path& folder) {
  const fs::path absolute = fs::weakly_canonical(fs::absolute(folder));
  fs::path up;
  for (fs::path at = absolute;; at = at.parent_path(), up /= "..") {
    const fs::path relative = up / "schema" / "scenario.schema.json";
    if (fs::exists(at / "schema" / "scenario.schema.json")) {
      return relative.string();
    }
    if (at == at.root_path()) {
      return {};
    }
  }
}

// The template for a file in `folder`, with the path of the schema adjusted.
std::string text_for(const Template& chosen, const fs::path& folder) {
  std::string text(chosen.text);
  const std::string path = schema_path(folder);
  const std::size_t begin = text.find("  \"$schema\"");
  const std::size_t end = text.find('\n', begin) + 1;
  text.replace(begin, end - begin,
               path.empty() ? std::string() : fmt::format("  \"$schema\": \"{}\",\n", path));
  return text;
}

// Never overwrites a file.
void write_new(const fs::path& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 && errno == EEXIST) {
    throw UsageError(
        fmt::format("{} already exists; choose another name or remove it", path.string()));
  }
  bool written = fd >= 0;
  for (std::size_t at = 0; written && at < text.size();) {
    const ssize_t count = ::write(fd, text.data() + at, text.size() - at);
    written = count > 0;
    at += written ? static_cast<std::size_t>(count) : 0;
  }
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  if (!written) {
    if (fd >= 0) {
      ::unlink(path.c_str());
    }
    throw UsageError(fmt::format("cannot write {}: {}", path.string(), error_text(error)));
  }
}

int write_scenario(const NewOptions& options) {
  const Template& chosen = find_template(options.from);
  fs::path path(options.name);
  if (!path.has_filename()) {
    throw UsageError(
        fmt::format("\"{}\" names a directory; add a name for the scenario", options.name));
  }
  if (path.extension() != ".json") {
    path += ".json";
  }
  std::error_code error;
  if (path.has_parent_path()) {
    fs::create_directories(path.parent_path(), error);
  }
  write_new(path, text_for(chosen, path.has_parent_path() ? path.parent_path() : fs::path(".")));
  fmt::print("wrote {}: {}\nrun it:  crashpoint run {}\n", path.string(), chosen.what,
             shell_quote(path.string()));
  return kPassed;
}

}  // namespace

void add_new_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("new", "Write a commented scenario that is ready to run");
  auto options = std::make_shared<NewOptions>();
  std::string templates;
  for (const Template& each : kTemplates) {
    templates += fmt::format("\n  {}: {}", each.name, each.what);
  }
  command->add_option("NAME", options->name, "The file to write; '.json' is added if missing")
      ->required();
  command->add_option("--from", options->from, "The template to start from:" + templates)
      ->type_name("TEMPLATE");
  command->callback(
      [options, &action] { action = [options] { return write_scenario(*options); }; });
}

}  // namespace crashpoint::cli
