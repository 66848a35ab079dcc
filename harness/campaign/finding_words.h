// What an exploration of a program found, in words for somebody who does not know the words of crashpoint.
#pragma once

#include <string>
#include <vector>

#include "harness/explore/explore.h"
#include "harness/oracle/verdict.h"

namespace crashpoint::campaign {

// The filesystems behind the profiles that permit a state: "xfs, btrfs and ext4", "any file system".
[[nodiscard]] std::string file_systems(const std::vector<std::string>& profiles);

// The verdict of a finding, which says in its summary, line by line: what is lost, why, where and when.
[[nodiscard]] oracle::Verdict verdict_of(const explore::Finding& finding);

}  // namespace crashpoint::campaign
