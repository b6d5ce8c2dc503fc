//! From the log to the store.

use super::super::panels::{Row, lines};
use super::{each, process};

pub fn rows() -> Vec<Row> {
    vec![
        (
            "How far behind",
            vec![
                each("Age of the oldest record", "s", "Objective: below a minute.", "writer_lag_seconds{}")
                    .thresholds(60.0, 3600.0),
                each("Records behind", "short", "In the log and not in the store.", "writer_lag_records{}"),
                each("Stored, not committed", "short", "Their tail step is owed.", "writer_uncommitted_records{}"),
                lines(
                    "Worst partitions",
                    "s",
                    "One that stands out has a record that blocks, or a hot conversation.",
                    &[(
                        "topk(5, max by (topic, partition) (writer_partition_lag_seconds{}))",
                        "{{topic}}/{{partition}}",
                    )],
                ),
                each(
                    "Partitions",
                    "short",
                    "Evenly spread, unless a writer has just come or gone.",
                    "writer_assigned_partitions{}",
                ),
                each("Held", "bytes", "Records that wait or are in work; at most --memory-mib.", "writer_held_bytes{}"),
            ],
        ),
        (
            "Into the store",
            vec![
                each("Records", "ops", "Dealt with.", "rate(writer_records_total{}[W])"),
                each("Rows", "ops", "Mutations that the store took.", "rate(writer_rows_total{}[W])"),
                lines(
                    "Time of a batch",
                    "s",
                    "Mean over all writers.",
                    &[("sum(rate(writer_batch_seconds_total{}[W])) / sum(rate(writer_batches_total{}[W]))", "mean")],
                ),
                lines(
                    "Rows in a batch",
                    "short",
                    "Small batches are expensive: see --batch-interval-ms.",
                    &[("sum(rate(writer_rows_total{}[W])) / sum(rate(writer_batches_total{}[W]))", "mean")],
                ),
                lines(
                    "Retries",
                    "ops",
                    "Attempts that a backend could not answer.",
                    &[
                        ("sum(rate(writer_store_retries_total{}[W]))", "store"),
                        ("sum(rate(writer_tail_retries_total{}[W]))", "tail"),
                    ],
                ),
                lines(
                    "Backends, as the worst writer sees them",
                    "none",
                    "1: works.",
                    &[("min by (backend) (writer_backend_up{})", "{{backend}}")],
                ),
            ],
        ),
        (
            "Out of the ordinary",
            vec![
                lines(
                    "Dead letters",
                    "ops",
                    "Missing in history until they are replayed.",
                    &[("sum(rate(writer_dead_letters_total{}[W]))", "laid aside")],
                ),
                lines(
                    "Repairs",
                    "ops",
                    "Events that the tail lacked: gateways died or Redis was away.",
                    &[
                        ("sum(rate(writer_repaired_total{}[W]))", "repaired"),
                        ("sum(rate(writer_hints_lost_total{}[W]))", "hints not published"),
                    ],
                ),
                lines(
                    "Twice",
                    "ops",
                    "Superseded: a second record of one send. Rewinds: partitions read again.",
                    &[
                        ("sum(rate(writer_superseded_total{}[W]))", "superseded"),
                        ("sum(rate(writer_rewinds_total{}[W]))", "rewinds"),
                    ],
                ),
            ],
        ),
        process("writer_lag_seconds"),
    ]
}
