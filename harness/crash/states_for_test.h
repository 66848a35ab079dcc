// Crash states in a form that a test can write down.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "harness/crash/image/image.h"
#include "harness/crash/model.h"
#include "harness/crash/profile.h"
#include "harness/crash/states.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {

// "d/ d/f=content g=": entries in order of path, NUL bytes as '.', an empty directory as "-".
inline std::string show(const CrashImage& image) {
  std::string text;
  for (const CrashImage::Entry& entry : image.entries) {
    text += text.empty() ? "" : " ";
    text += entry.path;
    if (entry.kind == CrashImage::Kind::kDirectory) {
      text += "/";
    } else {
      text += entry.kind == CrashImage::Kind::kSymlink ? "->" : "=";
      text += entry.content->bytes;
    }
  }
  std::replace(text.begin(), text.end(), '\0', '.');
  return text.empty() ? "-" : text;
}

inline std::shared_ptr<const Timeline> timeline_of(const TraceScript& script) {
  return std::make_shared<const Timeline>(std::make_shared<const trace::Trace>(script.trace()));
}

// All states of a script's end, or of another crash point, with whole writes and no garbage unless
// `options` say so.
inline std::set<std::string> all_states(const TraceScript& script, const std::string& profile,
                                        trace::Position point = 0,
                                        StateOptions options = {.torn_writes = TornWrites::kNone,
                                                                .garbage = false}) {
  options.all_max = 100'000;
  const Profile* const known = find_profile(profile);
  if (known == nullptr) {
    ADD_FAILURE() << "no profile " << profile;
    return {};
  }
  CrashModel model(timeline_of(script), *known);
  model.advance(point == 0 ? script.now() : point);
  std::set<std::string> states;
  const StateCount count = for_each_state(model, options, [&](CrashState&& state) {
    EXPECT_TRUE(model.permits(state.selection)) << show(state.image);
    EXPECT_TRUE(states.insert(show(state.image)).second ||
                show(state.image).find('.') != std::string::npos)
        << "given twice: " << show(state.image);
    return true;
  });
  EXPECT_TRUE(count.all) << "too many states to hold all of them against a list";
  return states;
}

}  // namespace crashpoint::crash
