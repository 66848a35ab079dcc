// What is run on the real filesystems: the patterns of litmus_for_test.h, a few with files of several
// blocks, and calls drawn by a seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "harness/base/random.h"
#include "harness/crash/litmus_for_test.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {

struct Workload {
  std::string name;
  TraceScript script;
  std::uint64_t seed = 0;  // of what the kernel does on its own meanwhile
};

inline TraceScript with_two_files() {
  return TraceScript(
      {{"a", file_entry(std::string(2500, 'a'))}, {"b", file_entry(std::string(5000, 'o'))}});
}

inline std::vector<TraceScript> scripts_of_several_blocks() {
  const std::string small(500, 'b');
  const std::string large(6000, 'c');
  const auto start = with_two_files;
  return {
      start().append("a", small),
      start().append("a", large),
      start().append("a", small).append("a", small).sync_range("a"),
      start().create("t").append("t", small).rename("t", "a"),
      start().create("t").append("t", large).rename("t", "a").fsync_directory(),
      start().create("t").append("t", small).fsync("t").rename("t", "a"),
      start().create("t").append("t", large).fsync("t").rename("t", "a").fsync_directory("."),
      start().create("t").append("t", small).rename("t", "n"),
      start().open_truncate("b").append("b", large).close("b").create("x").fsync("x"),
      start().append("a", small).append("b", large).fsync("b"),
      start().link("a", "g").unlink("a").fsync("g"),
      start().mkdir("d").create("d/f").append("d/f", small).fsync_directory("d"),
      start().rename("a", "n").fdatasync("n").create("m"),
      start().create("x").create("y").create("z").fsync("y"),
      start().mkdir("d").create("d/f").rename("d", "e").fsync("e/f"),
      start().mkdir("d").create("d/f").rename("d", "e").fsync_directory("e"),
      start().append("a", small).write("a", 2490, "x").sync_range("a"),
      start().truncate("a", 1250),
      start().append("a", large).truncate("a", 3000).create("x").fsync("x"),
      TraceScript({{"d", directory_entry()}, {"d/f", file_entry(small)}})
          .link("d/f", "g")
          .unlink("d/f")
          .fsync_directory("d"),
  };
}

// A few calls on few names; only what succeeds.
inline TraceScript random_script(std::uint64_t seed) {
  Random random(seed, "real-filesystems");
  TraceScript script = with_two_files();
  std::vector<std::string> files{"a", "b"};
  int made = 0;
  const auto pick = [&]() -> std::string& { return files[random.below(files.size())]; };
  const auto bytes = [&] {
    const std::uint64_t sizes[] = {1, 500, 1500, 4096, 6000, 9000};
    return std::string(sizes[random.below(6)], static_cast<char>('A' + random.below(26)));
  };
  for (std::uint64_t calls = random.between(3, 7); calls > 0; --calls) {
    switch (random.below(13)) {
      case 0:
      case 1:
        script.append(pick(), bytes());
        break;
      case 2:
        script.write(pick(), static_cast<std::int64_t>(random.below(3) * 1000), bytes());
        break;
      case 3:
        script.truncate(pick(), static_cast<std::int64_t>(random.below(4) * 1250));
        break;
      case 4:
        files.push_back(fmt::format("n{}", ++made));
        script.create(files.back());
        break;
      case 5:
      case 6: {
        std::string& from = pick();
        const std::string to = random.chance(0.5) ? fmt::format("n{}", ++made) : pick();
        if (from != to) {
          script.rename(from, to);
          const std::string old = from;
          std::erase(files, to);
          std::replace(files.begin(), files.end(), old, to);
        }
        break;
      }
      case 7:
        files.push_back(fmt::format("n{}", ++made));
        script.link(files[random.below(files.size() - 1)], files.back());
        break;
      case 8:
        if (files.size() > 1) {
          const std::size_t gone = random.below(files.size());
          script.unlink(files[gone]);
          files.erase(files.begin() + static_cast<std::ptrdiff_t>(gone));
        }
        break;
      case 9:
        random.chance(0.5) ? script.fsync(pick()) : script.fdatasync(pick());
        break;
      case 10:
        script.fsync_directory(".");
        break;
      case 11: {
        const std::string file = pick();
        script.open_truncate(file).append(file, bytes()).close(file);
        break;
      }
      default:
        script.sync_range(pick());
        break;
    }
  }
  return script;
}

// Each pattern `rounds` times, and `rounds` random scripts.
inline std::vector<Workload> all_workloads(std::uint64_t rounds) {
  std::vector<Workload> workloads;
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    for (const Litmus& litmus : litmus_tests()) {
      workloads.push_back({litmus.name, litmus.script(), round});
    }
    std::size_t number = 0;
    for (TraceScript& script : scripts_of_several_blocks()) {
      workloads.push_back({fmt::format("blocks-{}", number++), std::move(script), round});
    }
    workloads.push_back({fmt::format("random-{}", round), random_script(round), round});
  }
  return workloads;
}

}  // namespace crashpoint::crash
