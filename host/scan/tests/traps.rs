//! Names and descriptions that mislead.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests, and what they share")]

use bartizan_scan::Class::{Destructive as D, Execute as E, Financial as F, Read as R, Write as W};
use bartizan_scan::{Class, ToolDefinition, classify};
use serde_json::{Value, json};

fn wrongs(cases: impl IntoIterator<Item = (Value, Class)>) -> Vec<String> {
    cases
        .into_iter()
        .filter_map(|(definition, expected)| {
            let found = classify(&ToolDefinition::read(&definition).unwrap());
            (found.class != expected).then(|| {
                format!("{definition}: {} instead of {expected}, because {}", found.class, found.reason)
            })
        })
        .collect()
}

#[test]
fn names_alone() {
    let cases: &[(Class, &str)] = &[
        (
            R,
            "get_user list_runs search_code read_file describe_table fetch browse_catalog count_rows find-one \
             showStatus health ping whoami get_deleted_items list_transactions get_payment list_invoices \
             get_refund list_charges retrieve_balance get_order_history check_payment_status estimate_cost \
             validate_delete preview_delete explain_query can_delete is_deleted list_pull_requests \
             pull_request_read getWebhookEvents mcp__github__get_file_contents github_search_repositories \
             get_transfer_history list_subscriptions view_cart get_kill_switch_status lookup_domain \
             get_reset_history list_trash describe_instances get_execution_result pods_log runs.list",
        ),
        (
            W,
            "create_issue update_page get_or_create_label search_and_replace mark_as_read undelete_run \
             restore_backup rename-file set_tag send_email post_message add_comment merge_pull_request \
             create_run set_run_tag create_test_run update_pull_request_branch upload_file write_file \
             restore_deleted_items create_or_update_file find_and_replace star_repository",
        ),
        (
            E,
            "run_command execute_sql run_query evaluate eval_code browser_click browser_navigate pods_exec \
             invoke_lambda trigger_workflow restart_service deploy apply_migration shell start_container \
             stop_container call_api manage_resources xyzzy do_thing runcommand browser_file_upload \
             execute_script rollback_release cancel_run pause_project",
        ),
        (
            D,
            "delete_run deleteRun DeleteRun DELETE_RUN delete-run runs.delete runs/delete mcp__x__delete_run \
             github_delete_file remove_container drop_table purge_queue destroy_stack wipe_device truncate_table \
             erase_disk revoke_token uninstall_app helm_uninstall terminate_instances kill_process reset_branch \
             overwrite_file force_delete list_and_delete read_and_clear_queue find_one_and_delete \
             findOneAndDelete flushdb flushall del hdel deletefile rm rmdir unlink_account empty_trash prune_images \
             evict_pod clear_cache unsubscribe deregister_target schedule_key_deletion batch_delete_emails \
             get_and_delete pop_queue deletes_item deleting_items bulk_remove deleteMany cancel_meeting \
             close_account run_delete_query exec_drop_table create_and_delete void_check uninstallPackage",
        ),
        (
            F,
            "pay_invoice transfer_funds charge_card refund_payment create_refund payout buy_stock sell_shares \
             place_order withdraw mint_nft swap_tokens stake create_charge create_invoice \
             cancel_order cancel_subscription create_payment_link update_payment_method send_transaction \
             transfer_erc20 refund purchase_credits send_money submit_order capture_payment stripe_create_charge \
             createPaymentIntent send_tokens close_position finalize_invoice redeem_points wire_transfer",
        ),
    ];
    let cases = cases
        .iter()
        .flat_map(|(class, names)| names.split_whitespace().map(|name| (json!({ "name": name }), *class)));
    let wrongs = wrongs(cases);
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

#[test]
fn descriptions_and_arguments() {
    let wrongs = wrongs([
        // The name says nothing, the description does.
        (json!({"name": "directory_tree", "description": "Get a recursive tree view of files"}), R),
        (json!({"name": "pricing", "description": "Get retail prices"}), R),
        (json!({"name": "notes", "description": "This tool will permanently delete notes."}), D),
        (json!({"name": "x", "description": "Returns the current state."}), R),
        (json!({"name": "x", "description": "Tool to quickly list all the things"}), R),
        (json!({"name": "x", "description": ""}), E),
        (json!({"name": "x", "description": "Does wonderful things"}), E),
        (
            json!({"name": "storage", "description": "Manage storage accounts: list, create and delete them"}),
            D,
        ),
        (json!({"name": "keyvault", "description": "List and create keys and secrets"}), W),
        // What is said of something else.
        (json!({"name": "get_run", "description": "Get a run. Use delete_run to delete it."}), R),
        (
            json!({"name": "create_x", "description": "Creates x. Use `remove_x` to remove it. Does not delete y."}),
            W,
        ),
        (json!({"name": "update_x", "description": "Updates x without permanently deleting y"}), W),
        (json!({"name": "list_events", "description": "Lists what was added, removed and deleted"}), R),
        (json!({"name": "get_orders", "description": "Get orders and refunds"}), R),
        (json!({"name": "list_tools", "description": "Lists tools that can delete data"}), R),
        // A name that sounds harmless.
        (json!({"name": "get_queue", "description": "Reads the queue and then deletes it"}), D),
        (json!({"name": "read_message", "description": "Read and delete a message"}), D),
        (json!({"name": "get_account", "description": "Deletes the account"}), D),
        (json!({"name": "update_file", "description": "Creates, updates or deletes a file"}), D),
        (json!({"name": "modify_mail", "description": "Moves mail to the trash"}), D),
        (json!({"name": "submit", "description": "Process payment for an order"}), F),
        (
            json!({"name": "write_contract", "description": "Call a smart contract; this sends a transaction"}),
            F,
        ),
        (json!({"name": "update_x", "description": "Change x. This cannot be undone."}), D),
        (json!({"name": "soft_delete", "description": "Soft delete: can be restored"}), D),
        (json!({"name": "delete_preview", "description": "Shows what would be deleted"}), R),
        (json!({"name": "delete_preview", "description": "Delete a preview deployment"}), D),
        (json!({"name": "delete_preview"}), D),
        (json!({"name": "get_delete_url", "description": "Get the URL under which it can be deleted"}), R),
        // Queries.
        (
            json!({"name": "query", "description": "Run a read-only SQL query", "inputSchema": {"properties": {"sql": {}}}}),
            R,
        ),
        (json!({"name": "query", "description": "Run a SQL query"}), E),
        (json!({"name": "query", "inputSchema": {"properties": {"sql": {"type": "string"}}}}), E),
        (
            json!({"name": "database_query", "description": "Query a database", "inputSchema": {"properties": {"sql": {}}}}),
            E,
        ),
        (json!({"name": "query_prometheus", "description": "Execute a PromQL query"}), R),
        (json!({"name": "query_users", "description": "Query users by name"}), R),
        // Arguments.
        (
            json!({"name": "manage_vm", "inputSchema": {"properties": {"action": {"enum": ["list", "create", "delete"]}}}}),
            D,
        ),
        (
            json!({"name": "manage_vm", "inputSchema": {"properties": {"action": {"enum": ["list", "get"]}}}}),
            R,
        ),
        (
            json!({"name": "manage_vm", "inputSchema": {"properties": {"action": {"enum": ["list", "frobnicate"]}}}}),
            E,
        ),
        (
            json!({"name": "vm", "inputSchema": {"properties": {"operation": {"$ref": "#/$defs/Op"}}, "$defs": {"Op": {"anyOf": [{"const": "start"}, {"const": "destroy"}]}}}}),
            D,
        ),
        (
            json!({"name": "issue_read", "inputSchema": {"properties": {"method": {"enum": ["get", "get_comments"]}}}}),
            R,
        ),
        (json!({"name": "get_x", "inputSchema": {"properties": {"action": {"enum": ["get", "delete"]}}}}), D),
        (
            json!({"name": "x", "inputSchema": {"properties": {"action": {"type": "string", "description": "list, create or delete"}}}}),
            D,
        ),
        (json!({"name": "update_x", "inputSchema": {"properties": {"purge": {"type": "boolean"}}}}), D),
        (
            json!({"name": "delete_x", "inputSchema": {"properties": {"dry_run": {"type": "boolean", "default": true}}}}),
            D,
        ),
        (
            json!({"name": "x", "description": "Updates x", "inputSchema": {"properties": {"script": {"type": "string"}}}}),
            E,
        ),
        // Annotations.
        (json!({"name": "delete_x", "annotations": {"readOnlyHint": true}}), D),
        (json!({"name": "do_x", "annotations": {"readOnlyHint": true}}), E),
        (json!({"name": "update_x", "annotations": {"readOnlyHint": true, "destructiveHint": false}}), W),
        (json!({"name": "get_x", "annotations": {"destructiveHint": true}}), R),
        (json!({"name": "write_file", "annotations": {"destructiveHint": true}}), W),
        (json!({"name": "do_x", "annotations": {"destructiveHint": true}}), D),
        (json!({"name": "tree", "description": "Shows a tree", "annotations": {"destructiveHint": true}}), R),
        (
            json!({"name": "settings", "description": "Shows and stores", "annotations": {"destructiveHint": true}}),
            D,
        ),
        // Money and what only sounds like it.
        (json!({"name": "transfer_repository", "description": "Transfer a repository to another owner"}), E),
        (json!({"name": "transfer", "description": "Transfer tokens"}), F),
        (json!({"name": "create_subscription", "description": "Create a Pub/Sub topic subscription"}), W),
        (json!({"name": "create_invoice_note", "description": "Add a note to an invoice"}), W),
        (json!({"name": "charge_history", "description": "Returns the history of charges"}), F),
        // Other letters.
        (json!({"name": "d\u{435}l\u{435}te_x", "description": "Get x"}), E),
        // A title.
        (json!({"name": "op7", "title": "Delete volume"}), D),
    ]);
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

#[test]
fn hostile_definitions_end() {
    let circles: Vec<_> = (0..1_000).map(|_| json!({"$ref": "#/properties/operation"})).collect();
    let tool = json!({"name": "-".repeat(100_000), "description": "and deletes ".repeat(50_000),
        "inputSchema": {"properties": {"action": {"$ref": "#/properties/action"}, "operation": {"anyOf": circles}}}});
    assert!(classify(&ToolDefinition::read(&tool).unwrap()).class >= E);
}
