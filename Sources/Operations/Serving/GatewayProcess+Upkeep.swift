import Certificates
import Control
import Gateway
import Linux
import OpenSSL
import Site

/// What changes while the site file stays: certificates of the internal CA, keys of session tickets, and the addresses
/// of DNS names. Each comes into force as a reload does, and costs no connection.
extension GatewayProcess {
    /// How long a start waits for the addresses of names that are new, and how long a reload does, in milliseconds.
    /// What takes longer joins when it is there: a reload answers its operator, and keeps nobody else waiting.
    private static let startPatience = 2_000
    private static let reloadPatience = 500

    /// Does what is due.
    internal func keepUp() {
        followClock()
        if schedule.isRenewalDue {
            // What is due by a trial that failed is known to the canaries alone.
            let due = configuration.due(at: Schedule.time)
            let names = due.isEmpty ? nil : due
            if republish(of: names).exit != 0 { schedule.renewal = Schedule.time + Schedule.retryTime }
        }
        if schedule.isRotationDue { rotateTickets() }
        if schedule.isStartDue {
            schedule.start = .max
            if !isServing { startAgain() }
        }
        if schedule.isTrialDue { judgeTrials() }
        if schedule.isLookDue {
            schedule.look = Schedule.uptime + CertificateWatch.interval
            let changed = watch.settledChange()
            if !changed.isEmpty { _ = republish(of: configuration.certificates(from: changed)) }
        }
    }

    /// Tells when the machine's clock is not believed, and when it is again.
    internal func followClock() {
        let (time, doubt) = WallClock.reading
        guard doubt != view.value.clockDoubt else { return }
        view.update { $0.clockDoubt = doubt }
        if let doubt {
            Self.log("\(doubt.words); certificates go by \(UTC.text(time)) until it is back")
        } else {
            Self.log("the clock is believed, as \(UTC.text(time))")
        }
        tell(.status(view.value.summary))
    }

    /// Sets the times of what is due after `fresh` came into force.
    internal func setSchedule(for fresh: SiteConfiguration) {
        canaries.forget(at: Schedule.time)
        schedule.renewal = [fresh.renewal, canaries.nextTry].compactMap(\.self).min()
        // A look that is due is not put off by those who change one certificate after the other.
        let look = min(schedule.look, Schedule.uptime + CertificateWatch.interval)
        let files = fresh.watchedFiles
        schedule.look = files.isEmpty ? .max : look
        let challenges = CertificateStore(folder: fresh.site.certificateStore).challengeFolder
        watch.look(at: files, urgent: [challenges])
        schedule.rotation = rotation(for: fresh)
    }

    /// When the keys rotate next once `fresh` is in force, in monotonic milliseconds: a shorter time takes effect at
    /// once, a longer one after the next rotation.
    internal func rotation(for fresh: SiteConfiguration) -> UInt64 {
        min(schedule.rotation, Schedule.uptime + fresh.gateway.ticketRotation.milliseconds)
    }

    private func rotateTickets() {
        let before = tickets
        let life = configuration.gateway.ticketRotation.milliseconds
        do {
            tickets = try before.rotated()
            schedule.rotation = Schedule.uptime + life
            try replaceCertificates(by: again)
        } catch {
            tickets = before
            schedule.rotation = Schedule.uptime + min(life, UInt64(Schedule.retryTime) * 1000)
            Self.log("the keys of session tickets could not be rotated, those before stay: \(error)")
        }
    }

    /// Fresh keys of session tickets, for when one may be known to somebody: no ticket of before is opened any more.
    /// For the same reason no certificate that is being replaced is shown any longer.
    internal func renewTickets() -> AdminReply {
        promoteAll("a key may be known to somebody")
        let before = tickets
        do {
            tickets = try TicketKeys()
            schedule.rotation = Schedule.uptime + configuration.gateway.ticketRotation.milliseconds
            try replaceCertificates(by: again)
            Self.log("session tickets are sealed with fresh keys, and those of before opened no more")
            return .result(standing().line)
        } catch {
            tickets = before
            Self.log("the keys of session tickets could not be renewed, those before stay: \(error)")
            return .error("\(error)", exit: Self.exitStatus(of: error))
        }
    }

    /// Takes over the addresses that have been found since, and why others have not.
    internal func takeAddresses() {
        let standings = names.take()
        show(standings)
        var next = configuration.plan
        next.setAddresses(standings.addresses)
        guard next.pools != configuration.plan.pools else { return }
        do {
            try put(again, slots, isNews: false)
        } catch {
            Self.log("new addresses could not be taken over, those before stay: \(error)")
        }
    }

    /// The configuration in force once more. Nobody has to be told again what it said.
    internal var again: SiteConfiguration {
        var again = configuration
        again.plan.generation += 1
        again.notes = []
        return again
    }

    /// The addresses of names that the data plane goes by.
    private var known: [String: IPAddress] {
        plan.addressesOfNames.compactMapValues { IPAddress($0) }
    }

    /// `fresh` with the addresses of its names, as far as they become known within a moment.
    internal func resolved(_ fresh: SiteConfiguration) throws -> SiteConfiguration {
        // What is in force stays known: to a control process that took over, and after a reload that failed.
        try names.want(fresh.plan.dnsNames, askedOf: fresh.gateway.nameServers, known: known)
        names.settle(within: isServing ? Self.reloadPatience : Self.startPatience)
        let standings = names.take()
        show(standings)
        var fresh = fresh
        fresh.plan.setAddresses(standings.addresses)
        return fresh
    }

    private func show(_ standings: [String: NameTable.Standing]) {
        let problems = standings.compactMapValues(\.problem)
        view.update { $0.nameProblems = problems }
    }
}

extension [String: NameTable.Standing] {
    /// The addresses that are known.
    fileprivate var addresses: [String: String] { compactMapValues { $0.address.map { "\($0)" } } }
}
