#include "harness/trace/trace_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::trace {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

constexpr std::array<std::string_view, 27> kOpNames = {
    "open",   "close", "write", "copy",   "truncate", "allocate",  "rename", "link",   "symlink",
    "unlink", "mkdir", "rmdir", "chmod",  "fsync",    "fdatasync", "sync",   "syncfs", "sync_range",
    "msync",  "map",   "send",  "output", "fork",     "thread",    "exec",   "exit",   "failpoint"};
static_assert(kOpNames[static_cast<std::size_t>(Op::kFailpoint)] == "failpoint");

// The members of Event that are true or false, by name.
using Flag = bool Event::*;
constexpr std::array<std::pair<std::string_view, Flag>, 9> kFlags = {{
    {"inside", &Event::inside},
    {"directory", &Event::directory},
    {"created", &Event::created},
    {"truncated", &Event::truncated},
    {"synced_write", &Event::synced_write},
    {"found", &Event::found},
    {"elsewhere", &Event::elsewhere},
    {"not_performed", &Event::not_performed},
    {"internal", &Event::internal},
}};
// Whole numbers, by name, with the value that is left out.
template <typename Number>
struct Member {
  std::string_view name;
  Number Event::*member;
  Number left_out = 0;
};
constexpr std::array kSigned = {Member<std::int64_t>{"offset", &Event::offset},
                                Member<std::int64_t>{"length", &Event::length},
                                Member<std::int64_t>{"result", &Event::result},
                                Member<std::int64_t>{"performed", &Event::performed}};
constexpr std::array kUnsigned = {Member<std::uint32_t>{"flags", &Event::flags},
                                  Member<std::uint32_t>{"mode", &Event::mode}};
constexpr std::array kFiles = {Member<FileId>{"file", &Event::file},
                               Member<FileId>{"file2", &Event::file2}};
constexpr std::array kInts = {Member<int>{"fd", &Event::fd, -1},
                              Member<int>{"fault", &Event::fault, -1}};
constexpr std::array<std::pair<std::string_view, Name Event::*>, 3> kNames = {
    {{"path", &Event::path}, {"path2", &Event::path2}, {"connection", &Event::connection}}};

// Visits every group of members the same way.
template <typename Visit>
void each_number(const Visit& visit) {
  const auto visit_all = [&visit](const auto& members) {
    for (const auto& member : members) {
      visit(member);
    }
  };
  visit_all(kFiles);
  visit_all(kInts);
  visit_all(kSigned);
  visit_all(kUnsigned);
}

constexpr std::string_view kEscape = "\\x";

// A name as text from which name_of() has its bytes back.
std::string text_of(std::string_view name) {
  std::string text;
  bool plain = name.find(kEscape) == std::string_view::npos;
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(rest.front()));
      plain = false;
    } else {
      text += rest.front() == '\\' ? "\\\\" : rest.substr(0, length);
    }
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return plain ? std::string(name) : text;
}

std::string name_of(const std::string& text) {
  if (text.find(kEscape) == std::string::npos) {
    return text;
  }
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    if (text[i] == '\\' && text.compare(i, 2, kEscape) == 0 && i + 4 <= text.size() &&
        std::from_chars(&text[i + 2], &text[i] + 4, byte, 16).ptr == &text[i] + 4) {
      name += static_cast<char>(byte);
      i += 3;
    } else {
      if (text.compare(i, 2, "\\\\") == 0) {
        ++i;
      }
      name += text[i];
    }
  }
  return name;
}

json texts_of(const std::vector<std::string>& names) {
  json texts = json::array();
  for (const std::string& name : names) {
    texts.push_back(text_of(name));
  }
  return texts;
}

std::vector<std::string> names_of(const json& texts) {
  std::vector<std::string> names;
  for (const json& text : texts) {
    names.push_back(name_of(text.get<std::string>()));
  }
  return names;
}

// Into JSON. Nothing but a name can have bytes that are no UTF-8.
std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string role_text(const Role& role) {
  return role.kind == RoleKind::kMain    ? "main"
         : role.kind == RoleKind::kChild ? fmt::format("child:{}", role.ordinal)
                                         : fmt::format("thread:{}", role.ordinal);
}

Role role_of(const std::string& text) {
  Role role;
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos) {
    role.kind = text.starts_with("child") ? RoleKind::kChild : RoleKind::kThread;
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), role.ordinal);
  }
  return role;
}

std::string line_of(const Event& event) {
  std::string line = fmt::format(R"({{"enter":{})", event.enter);
  const auto out = std::back_inserter(line);
  if (event.exit != kNever) {
    fmt::format_to(out, R"(,"exit":{})", event.exit);
  }
  fmt::format_to(out, R"(,"ns":[{},{}],"pid":{},"tid":{},"role":"{}","op":"{}","syscall":"{}")",
                 event.enter_ns, event.exit_ns, event.pid, event.tid, role_text(event.role),
                 kOpNames[static_cast<std::size_t>(event.op)], event.syscall.str());
  for (const auto& [name, member] : kNames) {
    if (!(event.*member).empty()) {
      fmt::format_to(out, R"(,"{}":{})", name, dumped(text_of((event.*member).str())));
    }
  }
  each_number([&](const auto& number) {
    if (event.*number.member != number.left_out) {
      fmt::format_to(out, R"(,"{}":{})", number.name, event.*number.member);
    }
  });
  if (event.data.size != 0) {
    fmt::format_to(out, R"(,"data":[{},{}])", event.data.offset, event.data.size);
  }
  std::string flags;
  for (const auto& [name, member] : kFlags) {
    if (event.*member) {
      flags += fmt::format(R"({}"{}")", flags.empty() ? "" : ",", name);
    }
  }
  if (!flags.empty()) {
    fmt::format_to(out, R"(,"is":[{}])", flags);
  }
  line += "}\n";
  return line;
}

DataRef data_of(const json& object) {
  const auto found = object.find("data");
  return found == object.end() ? DataRef{} : DataRef{found->at(0), found->at(1)};
}

Event event_of(const json& line) {
  Event event;
  event.enter = line.at("enter");
  event.exit = line.value("exit", kNever);
  event.enter_ns = line.at("ns").at(0);
  event.exit_ns = line.at("ns").at(1);
  event.pid = line.at("pid");
  event.tid = line.at("tid");
  event.role = role_of(line.at("role"));
  event.syscall = line.at("syscall").get<std::string>();
  const auto op = std::find(kOpNames.begin(), kOpNames.end(), line.at("op").get<std::string>());
  event.op = static_cast<Op>(op - kOpNames.begin());
  for (const auto& [name, member] : kNames) {
    event.*member = name_of(line.value(std::string(name), std::string()));
  }
  each_number([&](const auto& number) {
    event.*number.member = line.value(std::string(number.name), number.left_out);
  });
  event.data = data_of(line);
  const json is = line.value("is", json::array());
  for (const auto& [name, member] : kFlags) {
    event.*member = std::find(is.begin(), is.end(), name) != is.end();
  }
  return event;
}

constexpr std::array<std::string_view, 3> kKindNames = {"file", "directory", "symlink"};

// FILE.data, mapped.
class MappedData : public DataStore {
 public:
  explicit MappedData(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || ::fstat(file, &status) != 0) {
      throw UsageError(fmt::format("cannot read {}: {}", path, error_text(errno)));
    }
    size_ = static_cast<std::size_t>(status.st_size);
    void* const memory =
        size_ == 0 ? nullptr : ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    ::close(file);
    if (memory == MAP_FAILED) {
      throw EnvironmentError(fmt::format("cannot map {}: {}", path, error_text(errno)));
    }
    memory_ = static_cast<const char*>(memory);
  }
  ~MappedData() override {
    if (memory_ != nullptr) {
      ::munmap(const_cast<char*>(memory_), size_);
    }
  }
  MappedData(const MappedData&) = delete;
  MappedData& operator=(const MappedData&) = delete;

  DataRef append(std::span<const std::byte> /*bytes*/) override {
    throw EnvironmentError("a trace that was read from a file cannot be added to");
  }
  [[nodiscard]] std::string_view view(DataRef ref) const override {
    return {memory_ + ref.offset, ref.size};
  }
  [[nodiscard]] bool holds(DataRef ref) const {
    return ref.offset <= size_ && ref.size <= size_ - ref.offset;
  }

 private:
  const char* memory_ = nullptr;
  std::size_t size_ = 0;
};

void read_header(const json& header, const std::string& path, const MappedData& data,
                 TraceFile& file) {
  const int version = header.value("crashpoint_trace", 0);
  if (version < 1 || version > kVersion) {
    throw UsageError(
        version < 1 ? fmt::format("{} is no trace of crashpoint", path)
                    : fmt::format("{} is a trace of version {}; this crashpoint reads up to {}",
                                  path, version, kVersion));
  }
  file.directory = name_of(header.at("directory").get<std::string>());
  file.command = names_of(header.at("command"));
  for (const auto& [name, entry] : header.at("initial").items()) {
    ImageEntry in_image;
    const auto kind =
        std::find(kKindNames.begin(), kKindNames.end(), entry.at("kind").get<std::string>());
    in_image.kind = static_cast<ImageEntry::Kind>(kind - kKindNames.begin());
    in_image.mode = entry.at("mode");
    in_image.file = entry.at("file");
    if (const DataRef ref = data_of(entry); data.holds(ref)) {
      in_image.content = data.view(ref);
    }
    file.trace.initial.emplace(name_of(name), std::move(in_image));
  }
}

void read_footer(const json& footer, std::map<Position, Event>& events, TraceFile& file) {
  file.complete = true;
  file.trace.end = footer.at("end");
  file.trace.notes = names_of(footer.at("notes"));
  file.trace.unseen = names_of(footer.value("unseen", json::array()));
  const json& purposes = footer.at("purposes");
  for (auto& [enter, event] : events) {
    if (event.role.kind == RoleKind::kChild) {
      event.role.purpose = purposes.value(std::to_string(event.role.ordinal), std::string());
    }
  }
}

}  // namespace

TraceFileWriter::TraceFileWriter(const std::string& path, const std::string& directory,
                                 const std::vector<std::string>& command)
    : path_(path),
      directory_(directory),
      command_(command),
      store_(std::make_shared<SegmentStore>(SegmentStore::Named{path + ".data"})),
      file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)) {
  if (file_ < 0) {
    throw EnvironmentError(
        fmt::format("cannot write the trace to {}: {}", path, error_text(errno)));
  }
}

TraceFileWriter::~TraceFileWriter() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

void TraceFileWriter::write_line(const std::string& line) {
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0) {
      throw EnvironmentError(
          fmt::format("cannot write the trace to {}: {}", path_, error_text(errno)));
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void TraceFileWriter::begin(const Image& initial) {
  json header = {{"crashpoint_trace", kVersion},
                 {"directory", text_of(directory_)},
                 {"command", texts_of(command_)},
                 {"initial", json::object()}};
  for (const auto& [path, entry] : initial) {
    const DataRef ref = store_->append(std::as_bytes(std::span(entry.content)));
    header["initial"][text_of(path)] = {{"kind", kKindNames[static_cast<std::size_t>(entry.kind)]},
                                        {"mode", entry.mode},
                                        {"file", entry.file},
                                        {"data", {ref.offset, ref.size}}};
  }
  write_line(dumped(header) + "\n");
}

void TraceFileWriter::add(const Event& event) {
  write_line(line_of(event));
}

void TraceFileWriter::finish(const Trace& trace) {
  json footer = {{"end", trace.end},
                 {"notes", texts_of(trace.notes)},
                 {"unseen", texts_of(trace.unseen)},
                 {"purposes", json::object()}};
  for (const Event& event : trace.events) {
    if (event.exit == kNever) {
      add(event);
    }
    if (!event.role.purpose.empty()) {
      footer["purposes"][std::to_string(event.role.ordinal)] = event.role.purpose.str();
    }
  }
  write_line(dumped(footer) + "\n");
}

TraceFile read_trace_file(const std::string& path) {
  std::ifstream input(path);
  if (!input) {
    throw UsageError(fmt::format("cannot read {}: {}", path, error_text(errno)));
  }
  const auto data = std::make_shared<MappedData>(path + ".data");
  TraceFile file;
  file.trace.store = data;
  std::map<Position, Event> events;
  std::uint64_t number = 0;
  for (std::string text; std::getline(input, text);) {
    ++number;
    const bool torn = input.eof();  // no newline: it was being written when the harness died
    const json line = json::parse(text, nullptr, /*allow_exceptions=*/false);
    try {
      if (line.is_discarded() && torn && number > 1) {
        break;
      }
      if (number == 1) {
        read_header(line, path, *data, file);
      } else if (line.contains("end")) {
        read_footer(line, events, file);
      } else {
        Event event = event_of(line);
        if (static_cast<std::size_t>(event.op) >= kOpNames.size() || !data->holds(event.data)) {
          throw UsageError(fmt::format("{}: line {} names an operation or data that is not there",
                                       path, number));
        }
        file.trace.end =
            std::max({file.trace.end, event.enter + 1, event.exit == kNever ? 0 : event.exit + 1});
        events.insert_or_assign(event.enter, event);
      }
    } catch (const json::exception& error) {
      throw UsageError(
          fmt::format("{}: line {} is no line of a trace: {}", path, number, error.what()));
    }
  }
  if (number == 0) {
    throw UsageError(fmt::format("{} is empty", path));
  }
  for (const auto& [enter, event] : events) {
    file.trace.events.push_back(event);
  }
  return file;
}

}  // namespace crashpoint::trace
