// The expected dumps of a program's run as JSON, for bundles.
#pragma once

#include <string>

#include "harness/oracle/dump/dump_judge.h"

namespace crashpoint::report {

[[nodiscard]] std::string encode_dumps(const oracle::DumpHistory& history);
// Throws std::runtime_error, or what the JSON library throws, where `text` is not of encode_dumps().
[[nodiscard]] oracle::DumpHistory decode_dumps(const std::string& text);

}  // namespace crashpoint::report
