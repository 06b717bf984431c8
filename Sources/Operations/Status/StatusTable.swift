import Linux
package import Site

/// The status document for people: aligned, at most 100 columns where names allow it.
package struct StatusTable {
    package let text: String

    private static let width = 100

    /// - Parameter document: as `StatusReport` makes it; members that are missing show as `-`.
    package init(_ document: JSONValue) {
        var lines = Self.head(document)
        lines += Self.listeners(document)
        lines += Self.certificates(document)
        lines += Self.trials(document)
        lines += Self.authority(document)
        lines += Self.store(document)
        lines += Self.warnings(document["certificate_deployment_problems"], "programs of `deploy`:")
        lines += Self.warnings(document["certificate_waits"], "certificates that wait:")
        for pool in document["pools"]?.items ?? [] { lines += Self.pool(pool) }
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func head(_ document: JSONValue) -> [String] {
        let process = cell(document["pid"])
        let dataPlane = document["data_plane_pid"]?.integer.map { ", data plane \($0)" } ?? ""
        let uptime = document["uptime_seconds"]?.integer.map(duration) ?? "-"
        let workers = document["workers"]?.items ?? []
        let connections = workers.reduce(0) { $0 + ($1["connections"]?.integer ?? 0) }
        let ages = workers.compactMap { $0["heartbeat_age_seconds"]?.number }
        let heard = ages.max().map { "; the slowest was heard of \(rounded($0)) s ago" } ?? ""
        var lines = [
            "\(cell(document["site"])): configuration \(cell(document["generation"])), up \(uptime), "
                + "gatehouse \(cell(document["version"])), process \(process)\(dataPlane)",
            "\(count(workers.count, "worker")), \(count(connections, "connection"))\(heard)",
        ]
        if let standing = document["data_plane_sandbox"]?["standing"] {
            lines.append("the data plane runs as \(cell(standing))")
            lines += (document["data_plane_sandbox"]?["lacks"]?.items ?? []).map { "    " + cell($0) }
        }
        if let restarts = document["data_plane_restarts"], let times = restarts["count"]?.integer, times > 0 {
            lines.append(
                "the data plane was replaced \(count(times, "time")), last at \(cell(restarts["last"])): process "
                    + "\(cell(restarts["last_pid"])) \(cell(restarts["last_reason"]))"
            )
        }
        return lines
    }

    private static func listeners(_ document: JSONValue) -> [String] {
        let rows = (document["listeners"]?.items ?? []).flatMap { listener in
            var what = listener["protocols"]?.items.compactMap(\.text).joined(separator: " ") ?? "-"
            if listener["tls"]?.boolean == true { what = "TLS: " + what }
            if let port = listener["redirect_port"]?.integer { what = "redirects to port \(port)" }
            let certificates = (listener["certificates"]?.items ?? []).map { cell($0) }.joined(separator: " ")
            let addresses = (listener["addresses"]?.items ?? []).map { cell($0) }
            return (addresses.isEmpty ? ["*"] : addresses).map { address in
                let host = address.contains(":") ? "[\(address)]" : address
                return ["\(host):\(cell(listener["port"]))", what, certificates]
            }
        }
        return rows.isEmpty ? [] : [""] + aligned([["LISTENER", "SPEAKS", "CERTIFICATES"]] + rows)
    }

    private static func certificates(_ document: JSONValue) -> [String] {
        let rows = (document["certificates"]?.items ?? []).map { certificate in
            let left = certificate["seconds_left"]?.integer ?? 0
            let names = (certificate["names"]?.items ?? []).map { cell($0) }
            let more = names.count > 2 ? " and \(names.count - 2) more" : ""
            return [
                cell(certificate["name"]), cell(certificate["key"]), cell(certificate["not_after"]),
                left > 0 ? "\(duration(left)) left" : "EXPIRED",
                names.prefix(2).joined(separator: " ") + more,
            ]
        }
        return rows.isEmpty ? [] : [""] + aligned([["CERTIFICATE", "KEY", "UNTIL", "", "NAMES"]] + rows)
    }

    private static func trials(_ document: JSONValue) -> [String] {
        let rows = (document["certificate_trials"]?.items ?? []).map { trial in
            func counts(_ which: String) -> String {
                "\(cell(trial[which]?["refusals"])) of \(cell(trial[which]?["clients"]))"
            }
            return [cell(trial["name"]), "\(cell(trial["share_percent"])) %", counts("new"), counts("before")]
        }
        return rows.isEmpty ? [] : [""] + aligned([["ON TRIAL", "SHARE", "REFUSED BY", "THE ONE BEFORE BY"]] + rows)
    }

    private static func authority(_ document: JSONValue) -> [String] {
        guard let standing = document["internal_ca"], case .object = standing else { return [] }
        let key = standing["root_key_here"]?.boolean == true ? "" : "; the root's key is elsewhere"
        let line =
            "internal CA: intermediate until \(cell(standing["intermediate_not_after"])), root since "
            + "\(cell(standing["root_not_before"])) until "
            + "\(cell(standing["root_not_after"]))\(key)"
        let warning = standing["warning"]?.text.map { ["    WARNING: " + cell(.string($0))] } ?? []
        return ["", line] + warning
    }

    private static func store(_ document: JSONValue) -> [String] {
        let clock = document["clock_doubt"]?.text.map { ["", "clock:", "    WARNING: " + cell(.string($0))] } ?? []
        let warnings = document["certificate_store_warnings"]?.items ?? []
        if warnings.isEmpty { return clock }
        return clock + ["", "certificate store:"] + warnings.map { "    WARNING: " + cell($0) }
    }

    /// What is said of certificates, by their names.
    private static func warnings(_ words: JSONValue?, _ title: String) -> [String] {
        guard case .object(let members)? = words, !members.isEmpty else { return [] }
        return ["", title] + members.map { "    WARNING: " + cell($0.value) }
    }

    private static func pool(_ pool: JSONValue) -> [String] {
        let servers = pool["servers"]?.items ?? []
        var rows = [["SERVER", "ADDRESS", "STATE", "WEIGHT", "ACTIVE", "REQUESTS", "FAILED"]]
        for server in servers {
            rows.append([
                cell(server["name"]), cell(server["address"]), cell(server["state"]), weight(server),
                cell(server["in_flight"]), cell(server["requests"]), cell(server["failures"]),
            ])
        }
        let queued = pool["queued"]?.integer ?? 0
        let waiting = queued > 0 ? ", \(count(queued, "request")) waiting for a server" : ""
        let table = aligned(rows, rightAligned: [3, 4, 5, 6])
        var lines = ["", "pool \(cell(pool["name"]))\(waiting)", table[0] + "  WHY"]
        for (row, server) in zip(table.dropFirst(), servers) {
            let why = cell(server["why"])
            if row.count + 2 + why.count <= width {
                lines.append(row + "  " + why)
            } else {
                lines += [row, "    " + why]
            }
        }
        return lines
    }

    /// The weight in force, and what it falls short of or differs from.
    private static func weight(_ server: JSONValue) -> String {
        let weight = cell(server["weight"])
        guard let effective = server["effective_weight"]?.number, let whole = server["weight"]?.number,
            effective > 0, effective < whole
        else { return weight }
        return "\(rounded(effective)) of \(weight)"
    }

    // MARK: Cells

    /// A scalar as text that cannot steer a terminal.
    private static func cell(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text): return text.printableLine
        case .integer(let number): return String(number)
        case .number(let number): return rounded(number)
        case .boolean(let flag): return flag ? "yes" : "no"
        case .null, .array, .object, nil: return "-"
        }
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// One digit after the point, none for whole numbers.
    private static func rounded(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "-" }
        let tenths = Int((number * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
    }

    /// Two units at most: `3 d 4 h`, `12 min`, `9 s`.
    private static func duration(_ seconds: Int) -> String {
        let parts = [
            (seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s"),
        ]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0 s" }
        let shown = parts[first..<min(first + 2, parts.count)].filter { $0.0 > 0 }
        return shown.map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }

    private static func aligned(_ rows: [[String]], rightAligned: Set<Int> = []) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, text) in row.enumerated() {
                if column > 0 { line += "  " }
                let fill = String(repeating: " ", count: widths[column] - text.count)
                line += rightAligned.contains(column) ? fill + text : text + fill
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
