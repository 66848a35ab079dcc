// The handlers that the command table names, by the file they live in.
#pragma once

namespace engine::commands {

class Context;

// string_commands.cc
void append_command(Context& c);
void decr_command(Context& c);
void decrby_command(Context& c);
void get_command(Context& c);
void getdel_command(Context& c);
void getex_command(Context& c);
void getrange_command(Context& c);
void getset_command(Context& c);
void incr_command(Context& c);
void incrby_command(Context& c);
void incrbyfloat_command(Context& c);
void mget_command(Context& c);
void mset_command(Context& c);
void msetnx_command(Context& c);
void psetex_command(Context& c);
void set_command(Context& c);
void setex_command(Context& c);
void setnx_command(Context& c);
void setrange_command(Context& c);
void strlen_command(Context& c);

// lcs_command.cc
void lcs_command(Context& c);

// bit_commands.cc
void bitcount_command(Context& c);
void bitop_command(Context& c);
void bitpos_command(Context& c);
void getbit_command(Context& c);
void setbit_command(Context& c);

// bitfield_commands.cc
void bitfield_command(Context& c);
void bitfield_ro_command(Context& c);

// list_commands.cc
void lindex_command(Context& c);
void linsert_command(Context& c);
void llen_command(Context& c);
void lpop_command(Context& c);
void lpos_command(Context& c);
void lpush_command(Context& c);
void lpushx_command(Context& c);
void lrange_command(Context& c);
void lrem_command(Context& c);
void lset_command(Context& c);
void ltrim_command(Context& c);
void rpop_command(Context& c);
void rpush_command(Context& c);
void rpushx_command(Context& c);

// list_move_commands.cc
void blmove_command(Context& c);
void blmpop_command(Context& c);
void blpop_command(Context& c);
void brpop_command(Context& c);
void brpoplpush_command(Context& c);
void lmove_command(Context& c);
void lmpop_command(Context& c);
void rpoplpush_command(Context& c);

// set_commands.cc
void sadd_command(Context& c);
void scard_command(Context& c);
void sismember_command(Context& c);
void smembers_command(Context& c);
void smismember_command(Context& c);
void smove_command(Context& c);
void spop_command(Context& c);
void srandmember_command(Context& c);
void srem_command(Context& c);

// set_algebra_commands.cc
void sdiff_command(Context& c);
void sdiffstore_command(Context& c);
void sinter_command(Context& c);
void sintercard_command(Context& c);
void sinterstore_command(Context& c);
void sunion_command(Context& c);
void sunionstore_command(Context& c);

// hash_commands.cc
void hdel_command(Context& c);
void hexists_command(Context& c);
void hget_command(Context& c);
void hgetall_command(Context& c);
void hincrby_command(Context& c);
void hincrbyfloat_command(Context& c);
void hkeys_command(Context& c);
void hlen_command(Context& c);
void hmget_command(Context& c);
void hrandfield_command(Context& c);
void hset_command(Context& c);
void hsetnx_command(Context& c);
void hstrlen_command(Context& c);
void hvals_command(Context& c);

// sorted_set_commands.cc
void zadd_command(Context& c);
void zcard_command(Context& c);
void zincrby_command(Context& c);
void zmscore_command(Context& c);
void zrandmember_command(Context& c);
void zrank_command(Context& c);
void zrem_command(Context& c);
void zrevrank_command(Context& c);
void zscore_command(Context& c);

// sorted_set_range_commands.cc
void zcount_command(Context& c);
void zlexcount_command(Context& c);
void zrange_command(Context& c);
void zrangebylex_command(Context& c);
void zrangebyscore_command(Context& c);
void zrangestore_command(Context& c);
void zremrangebylex_command(Context& c);
void zremrangebyrank_command(Context& c);
void zremrangebyscore_command(Context& c);
void zrevrange_command(Context& c);
void zrevrangebylex_command(Context& c);
void zrevrangebyscore_command(Context& c);

// sorted_set_pop_commands.cc
void bzmpop_command(Context& c);
void bzpopmax_command(Context& c);
void bzpopmin_command(Context& c);
void zmpop_command(Context& c);
void zpopmax_command(Context& c);
void zpopmin_command(Context& c);

// sorted_set_algebra_commands.cc
void zdiff_command(Context& c);
void zdiffstore_command(Context& c);
void zinter_command(Context& c);
void zintercard_command(Context& c);
void zinterstore_command(Context& c);
void zunion_command(Context& c);
void zunionstore_command(Context& c);

// geo_commands.cc
void geoadd_command(Context& c);
void geodist_command(Context& c);
void geohash_command(Context& c);
void geopos_command(Context& c);
void georadius_command(Context& c);
void georadius_ro_command(Context& c);
void georadiusbymember_command(Context& c);
void georadiusbymember_ro_command(Context& c);
void geosearch_command(Context& c);
void geosearchstore_command(Context& c);

// hyperloglog_commands.cc
void pfadd_command(Context& c);
void pfcount_command(Context& c);
void pfdebug_command(Context& c);
void pfmerge_command(Context& c);
void pfselftest_command(Context& c);

// key_commands.cc
void copy_command(Context& c);
void del_command(Context& c);
void dump_command(Context& c);
void exists_command(Context& c);
void keys_command(Context& c);
void move_command(Context& c);
void object_encoding_command(Context& c);
void object_freq_command(Context& c);
void object_idletime_command(Context& c);
void object_refcount_command(Context& c);
void randomkey_command(Context& c);
void rename_command(Context& c);
void renamenx_command(Context& c);
void restore_command(Context& c);
void touch_command(Context& c);
void type_command(Context& c);

// expire_commands.cc
void expire_command(Context& c);
void expireat_command(Context& c);
void expiretime_command(Context& c);
void persist_command(Context& c);
void pexpire_command(Context& c);
void pexpireat_command(Context& c);
void pexpiretime_command(Context& c);
void pttl_command(Context& c);
void ttl_command(Context& c);

// scan_commands.cc
void hscan_command(Context& c);
void scan_command(Context& c);
void sscan_command(Context& c);
void zscan_command(Context& c);

// sort_commands.cc
void sort_command(Context& c);
void sort_ro_command(Context& c);

// transaction_commands.cc
void discard_command(Context& c);
void exec_command(Context& c);
void multi_command(Context& c);
void unwatch_command(Context& c);
void watch_command(Context& c);

// connection_commands.cc
void auth_command(Context& c);
void echo_command(Context& c);
void hello_command(Context& c);
void ping_command(Context& c);
void quit_command(Context& c);
void reset_command(Context& c);
void select_command(Context& c);

// client_commands.cc
void client_getname_command(Context& c);
void client_id_command(Context& c);
void client_info_command(Context& c);
void client_kill_command(Context& c);
void client_list_command(Context& c);
void client_no_evict_command(Context& c);
void client_pause_command(Context& c);
void client_reply_command(Context& c);
void client_setname_command(Context& c);
void client_unblock_command(Context& c);
void client_unpause_command(Context& c);

// pubsub_commands.cc
void psubscribe_command(Context& c);
void publish_command(Context& c);
void pubsub_channels_command(Context& c);
void pubsub_numpat_command(Context& c);
void pubsub_numsub_command(Context& c);
void pubsub_shardchannels_command(Context& c);
void pubsub_shardnumsub_command(Context& c);
void punsubscribe_command(Context& c);
void spublish_command(Context& c);
void ssubscribe_command(Context& c);
void subscribe_command(Context& c);
void sunsubscribe_command(Context& c);
void unsubscribe_command(Context& c);

// server_commands.cc
void bgrewriteaof_command(Context& c);
void bgsave_command(Context& c);
void config_get_command(Context& c);
void config_resetstat_command(Context& c);
void config_rewrite_command(Context& c);
void config_set_command(Context& c);
void dbsize_command(Context& c);
void flushall_command(Context& c);
void flushdb_command(Context& c);
void info_command(Context& c);
void lastsave_command(Context& c);
void memory_malloc_stats_command(Context& c);
void memory_purge_command(Context& c);
void memory_usage_command(Context& c);
void monitor_command(Context& c);
void role_command(Context& c);
void save_command(Context& c);
void shutdown_command(Context& c);
void slowlog_get_command(Context& c);
void slowlog_len_command(Context& c);
void slowlog_reset_command(Context& c);
void swapdb_command(Context& c);
void time_command(Context& c);

// debug_commands.cc
void debug_command(Context& c);

// command_commands.cc
void command_command(Context& c);
void command_count_command(Context& c);
void command_docs_command(Context& c);
void command_getkeys_command(Context& c);
void command_info_command(Context& c);
void command_list_command(Context& c);

// latency_commands.cc
void latency_help_command(Context& c);
void latency_histogram_command(Context& c);
void latency_history_command(Context& c);
void latency_latest_command(Context& c);
void latency_reset_command(Context& c);

// help.cc
void client_help_command(Context& c);
void command_help_command(Context& c);
void config_help_command(Context& c);
void memory_help_command(Context& c);
void object_help_command(Context& c);
void pubsub_help_command(Context& c);
void slowlog_help_command(Context& c);

}  // namespace engine::commands
