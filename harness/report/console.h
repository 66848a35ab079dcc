// What a run says while it goes on, and at its end.
//
// Terminal   One status line, redrawn in place: done, rate, time left. Above it what people must
//            see: violations, inconclusive cases, known findings; passes only of a short run.
// Elsewhere  (CI, a file) plain lines without colour, with a line of progress every ten seconds.
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
    bool terminal = false;                        // a status line is redrawn in place
    bool colour = false;                          //
    bool every_pass = false;                      // a line for each pass, however many there are
    std::function<std::size_t()> columns;         // of the terminal, which may change; empty: 80
    std::function<void(std::string_view)> write;  // where all of it goes
    std::function<Clock::time_point()> now = Clock::now;
  };

  // Options for writing to `fd`, by what it is and by the environment: CI and TERM=dumb make it
  // plain, NO_COLOR takes the colour.
  [[nodiscard]] static Options for_descriptor(int fd);

  explicit Console(Options options);

  void begin(std::size_t total, unsigned jobs);
  // `done` counts this one. `total` may grow while the run goes on (a soak).
  void case_done(const CaseResult& result, std::size_t done, std::size_t total);
  // Keeps the progress fresh; call it some times a second. Cheap.
  void tick();
  // Totals, and where the report lies (index.html; empty: none was written).
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
  Clock::time_point shown_;  // when progress was told last
  bool status_on_screen_ = false;
};

// "0.42 s", "12.3 s", "3 min 05 s", "2 h 07 min".
[[nodiscard]] std::string duration(double ms);

}  // namespace crashpoint::report
