#include "harness/report/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "harness/report/case_text.h"
#include "harness/report/exit_code.h"
#include "harness/report/status.h"
#include "harness/report/totals.h"

namespace crashpoint::report {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTerminalInterval{100};
constexpr milliseconds kPlainInterval{10000};
constexpr std::size_t kShortRun = 40;       // cases that fit on a screen: passes are printed
constexpr std::size_t kExplainedMax = 20;   // violations; the report has all
constexpr std::size_t kEntriesPerCase = 5;  // of lost commands and of keys
constexpr std::size_t kNamesAtTheEnd = 50;

struct Style {
  std::string_view label;  // distinguishable without colour
  std::string_view colour;
};

Style style_of(Status status) {
  switch (status) {
    case Status::kPassed:
      return {"pass", "32"};
    case Status::kViolation:
      return {"VIOLATION", "1;31"};
    case Status::kKnown:
      return {"known", "36"};
    case Status::kInconclusive:
      break;
  }
  return {"INCONCLUSIVE", "1;33"};
}

std::string paint(bool colour, std::string_view code, std::string_view text) {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value != nullptr && *value != '\0';
}

bool dumb_terminal() {
  const char* term = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  return term == nullptr || std::string_view(term) == "dumb" || *term == '\0';
}

// Where it fails the stream remembers, and the report is still written.
void write_all(std::FILE* stream, std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stream);
  (void)std::fflush(stream);
}

std::string headline(const CaseResult& result, bool colour) {
  const Style style = style_of(status_of(result));
  return fmt::format("{}  {}  ({})\n", paint(colour, style.colour, style.label),
                     printable(result.name), duration(result.timing.total_ms));
}

// The names of the cases with this status, repeated at the end of the output.
std::string names(const RunResult& run, Status status, std::string_view title) {
  std::string out;
  std::size_t count = 0;
  for (const CaseResult& result : run.cases) {
    if (status_of(result) == status && ++count <= kNamesAtTheEnd) {
      out += fmt::format("  {}\n", printable(result.name));
    }
  }
  if (count > kNamesAtTheEnd) {
    out += fmt::format("  and {} more\n", with_commas(count - kNamesAtTheEnd));
  }
  return count < 2 ? "" : fmt::format("{}:\n{}", title, out);
}

std::string totals_line(const Totals& totals, bool colour) {
  std::vector<std::string> parts;
  const auto add = [&](std::uint64_t number, Status status, const std::string& text) {
    if (number > 0) {
      parts.push_back(paint(colour, style_of(status).colour, text));
    }
  };
  add(totals.violations, Status::kViolation, counted(totals.violations, "violation"));
  add(totals.inconclusive, Status::kInconclusive,
      fmt::format("{} inconclusive", with_commas(totals.inconclusive)));
  add(totals.known, Status::kKnown, counted(totals.known, "known finding"));
  add(totals.passed, Status::kPassed, fmt::format("{} passed", with_commas(totals.passed)));
  return parts.empty()
             ? std::string("no cases were run\n")
             : fmt::format("{}: {}\n", counted(totals.cases, "case"), fmt::join(parts, ", "));
}

}  // namespace

std::string duration(double ms) {
  const double seconds = std::max(ms, 0.0) / 1000;
  if (seconds < 9.995) {
    return fmt::format("{:.2f} s", seconds);
  }
  if (seconds < 59.95) {
    return fmt::format("{:.1f} s", seconds);
  }
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  return whole < 3600 ? fmt::format("{} min {:02} s", whole / 60, whole % 60)
                      : fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

Console::Options Console::for_stream(std::FILE* stream) {
  const int fd = ::fileno(stream);
  Options options;
  options.terminal = isatty(fd) == 1 && !dumb_terminal() && !is_set("CI");
  options.colour = options.terminal && !is_set("NO_COLOR");
  options.columns = [fd] {
    winsize size{};
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : std::size_t{80};
  };
  options.write = [stream](std::string_view text) { write_all(stream, text); };
  return options;
}

Console::Console(Options options) : options_(std::move(options)) {}

void Console::begin(std::size_t total, unsigned jobs) {
  total_ = total;
  began_ = options_.now();
  shown_ = began_;
  print(fmt::format("{}, {}\n", counted(total, "case"), counted(jobs, "job")));
}

void Console::case_done(const CaseResult& result, std::size_t done, std::size_t total) {
  done_ = done;
  total_ = total;
  const Status status = status_of(result);
  violations_ += status == Status::kViolation ? 1 : 0;
  inconclusive_ += status == Status::kInconclusive ? 1 : 0;
  const bool failed = status == Status::kViolation || status == Status::kInconclusive;
  if (failed) {
    std::string text = headline(result, options_.colour);
    if (violations_ + inconclusive_ <= kExplainedMax) {
      text += describe_case(result, kEntriesPerCase);
    }
    print(text);
  } else if (status == Status::kKnown) {
    print(headline(result, options_.colour) + labelled("because", result.verdict.known));
  } else if (options_.every_pass || total_ <= kShortRun) {
    print(headline(result, options_.colour));
  }
  tick();
}

void Console::tick() {
  const Clock::time_point now = options_.now();
  if (now - shown_ < (options_.terminal ? kTerminalInterval : kPlainInterval) || total_ == 0) {
    return;
  }
  shown_ = now;
  std::string out;
  erase_status(out);
  out += status();
  status_on_screen_ = options_.terminal;
  out += options_.terminal ? "" : "\n";
  options_.write(out);
}

void Console::end(const RunResult& run, const std::filesystem::path& report) {
  const Totals totals = count(run);
  std::string out = "\n";
  out += names(run, Status::kViolation, "Violations");
  out += names(run, Status::kInconclusive, "Inconclusive");
  for (const std::string& line : describe_incomplete(run)) {
    out += printable(line) + "\n";
  }
  out += totals_line(totals, options_.colour);
  out += fmt::format("{} in {}: {:.1f} per second, {}\n", counted(totals.cycles, "crash cycle"),
                     duration(run.wall_ms), totals.cycles_per_second, counted(run.jobs, "job"));
  if (totals.continued > 0) {
    out += fmt::format("after {} of them life went on: writes, a kill, and a further verdict\n",
                       with_commas(totals.continued));
  }
  if (!report.empty()) {
    out += fmt::format("report: {}\n", printable(report.string()));
  }
  total_ = 0;  // nothing to redraw any more
  print(out);
}

void Console::print(const std::string& lines) {
  const bool redraw = status_on_screen_ && total_ != 0;
  std::string out;
  erase_status(out);
  out += lines;
  if (redraw) {
    out += status();
    status_on_screen_ = true;
  }
  options_.write(out);
}

void Console::erase_status(std::string& out) {
  if (status_on_screen_) {
    out += "\r\x1b[K";
    status_on_screen_ = false;
  }
}

std::string Console::status() const {
  const double seconds = std::chrono::duration<double>(options_.now() - began_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string line =
      fmt::format("[{}/{}] {}%", with_commas(done_), with_commas(total_), done_ * 100 / total_);
  if (done_ > 0 && rate > 0) {
    line += fmt::format("  {:.1f} cases/s  {} left", rate,
                        duration(static_cast<double>(total_ - done_) / rate * 1000));
  }
  if (violations_ > 0) {
    line += "  " + counted(violations_, "violation");
  }
  if (inconclusive_ > 0) {
    line += fmt::format("  {} inconclusive", with_commas(inconclusive_));
  }
  if (options_.terminal) {  // a line that wraps cannot be redrawn
    const std::size_t columns = options_.columns ? options_.columns() : 80;
    line.resize(std::min(line.size(), columns - std::min<std::size_t>(columns, 1)));
  }
  return line;
}

}  // namespace crashpoint::report
