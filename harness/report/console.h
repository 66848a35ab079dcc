// The console output of a run.
//
// Terminal   One status line, redrawn in place: cases done, rate, time left. Above it the violations,
//            inconclusive cases and known findings; passes only if the run is short.
// Elsewhere  (CI, a file) plain lines without colour, and a progress line every ten seconds.
//
// Control characters in names and values are escaped, never sent to the terminal.
// Threads    One thread calls all of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
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
    bool terminal = false;                        // a status line is redrawn in place
    bool colour = false;                          //
    bool every_pass = false;                      // print every pass, also in a long run
    std::function<std::size_t()> columns;         // of the terminal, which may change; empty: 80
    std::function<void(std::string_view)> write;  // receives the output
    std::function<Clock::time_point()> now = Clock::now;
  };

  // Options for writing to `stream`, depending on its type and the environment: CI and TERM=dumb select
  // plain lines, NO_COLOR switches colour off. What could not be written sets its std::ferror().
  [[nodiscard]] static Options for_stream(std::FILE* stream);

  explicit Console(Options options);

  void begin(std::size_t total, unsigned jobs);
  // `done` includes this case. `total` may grow during the run (--for).
  void case_done(const CaseResult& result, std::size_t done, std::size_t total);
  // Updates the progress; call it several times per second. Cheap.
  void tick();
  // Prints the totals and the path of the report (index.html; empty: none was written).
  void end(const RunResult& run, const std::filesystem::path& report = {});

 private:
  void print(const std::string& lines);  // above the status line
  void erase_status(std::string& out);
  [[nodiscard]] std::string status() const;

  Options options_;
  std::size_t total_ = 0;
  std::size_t done_ = 0;
  std::size_t violations_ = 0;
  std::size_t inconclusive_ = 0;
  Clock::time_point began_;
  Clock::time_point shown_;  // when progress was last printed
  bool status_on_screen_ = false;
};

// "0.42 s", "12.3 s", "3 min 05 s", "2 h 07 min".
[[nodiscard]] std::string duration(double ms);

}  // namespace crashpoint::report
