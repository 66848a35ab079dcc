// What a run says while it goes on, and at its end.
//
// Terminal   One status line, redrawn in place: done, rate, time left. Above it, what people must
//            see: violations, inconclusive cases, known findings; passes only when the run is short.
// Elsewhere  (CI, a file) plain lines of ASCII-only layout without colour, a progress line now and
//            then. Nothing depends on the order in which cases end but the order of the lines.
//
// Control characters in names and values are shown, never sent to the terminal.
// Threads    One thread calls all of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "harness/report/result.h"

namespace crashpoint::report {

class Console {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    bool terminal = false;                        // a status line that is redrawn
    bool colour = false;                          // NO_COLOR and TERM=dumb turn it off
    std::size_t columns = 80;                     // of the terminal
    bool every_pass = false;                      // a line for each pass, however many there are
    std::function<void(std::string_view)> write;  // where it goes; flushed by each call
    std::function<Clock::time_point()> now = Clock::now;
  };

  // Options for writing to `fd`, by what it is and by the environment (TERM, NO_COLOR, CI).
  [[nodiscard]] static Options for_descriptor(int fd);

  explicit Console(Options options);

  void begin(std::size_t total, unsigned jobs);
  // `done` counts this one. `total` may grow while the run goes on (a soak).
  void case_done(const CaseResult& result, std::size_t done, std::size_t total);
  // Keeps the status line fresh; call it some times a second. Cheap.
  void tick();
  // Totals, and where the report lies (index.html; empty: none was written).
  void end(const RunResult& run, const std::filesystem::path& report = {});

 private:
  void print(const std::string& lines);  // above the status line
  void redraw(bool now);
  [[nodiscard]] std::string progress() const;
  [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const;
  [[nodiscard]] std::string describe(const CaseResult& result) const;
  void field(std::string& out, std::string_view label, std::string_view text) const;

  Options options_;
  std::size_t total_ = 0;
  std::size_t done_ = 0;
  unsigned jobs_ = 1;
  std::size_t violations_ = 0;
  std::size_t inconclusive_ = 0;
  std::size_t known_ = 0;
  std::size_t told_in_full_ = 0;
  std::uint64_t cycles_ = 0;
  Clock::time_point began_;
  Clock::time_point drawn_;
  bool line_shown_ = false;
};

// "0.4 s", "12.3 s", "3 min 05 s", "2 h 07 min".
[[nodiscard]] std::string duration(double ms);

}  // namespace crashpoint::report
