// What `ps` shows of this process.
#pragma once

#include <string_view>

namespace engine::server {

// Once, first thing in main(): finds the memory that titles may be written to.
void init_process_title(int argc, char** argv);

// Overwrites what the kernel shows as the command line of this process.
void set_process_title(std::string_view title);

}  // namespace engine::server
