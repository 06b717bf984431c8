# Gatehouse. `make run` and `make test` do all the set-up on a Debian machine that has Swift.

BUILD_PACKAGES := libssl-dev libnghttp2-dev libyaml-dev libc-ares-dev libcurl4-openssl-dev libnftables-dev \
                  libnetfilter-conntrack-dev pkg-config git
TEST_PACKAGES  := $(BUILD_PACKAGES) nginx curl openssl wrk nghttp2-client prometheus python3 python3-h2 \
                  chromium libnss3-tools strace pebble lego nftables systemd iproute2 iptables mariadb-server \
                  gnutls-bin faketime firewalld ufw
BENCH_PACKAGES := $(BUILD_PACKAGES) nginx haproxy h2o wrk nghttp2-client curl openssl python3 nftables iproute2 \
                  iptables ferm firewalld

RELEASE := swift build --configuration release --static-swift-stdlib --product
BINARY  := .build/release/gatehouse
# The helper must stand in the same folder as the program.
HELPER  := .build/release/gatehouse-outbound

# Where `make install` puts the two, for packagers below DESTDIR.
PREFIX ?= /usr

# What the linter reads. Folders that hold no Swift yet are no error to it.
SWIFT_SOURCES := Package.swift $(wildcard Sources Tests Benchmarks Fuzz)

# The length of `make soak`: what CI gives it. A release gets an hour, 3600.
SOAK_SECONDS ?= 300
SOAK_ROTATIONS ?= 1000
# Milliseconds from one of them to the next: some 270 times as often as 10,000 certificates of 47 days need it. With one
# in 500 the work on new certificates itself, on two cores that the clients share, is what p99 shows.
SOAK_EVERY ?= 1000
# How many packets the firewall's algebra and its evaluators are held against, for each of a hundred policies: with a
# million a quarter of an hour in a release build of the tests, which has a folder of its own, and hours in a debug one.
SOAK_PACKETS ?= 1000000

# As many tests at a time as there are threads for them. By itself Swift Testing begins twice as many as there are
# processors, and has those that wait hold up all others. See Tests/Integration/Harness/Patient.swift.
WIDTH := --experimental-maximum-parallelization-width 9223372036854775807

# The environment of tests that drive the release build.
DRIVEN := GATEHOUSE_RELEASE=$(CURDIR)/$(BINARY)

.PHONY: build install run test lint bench soak soak-gateway soak-certificates soak-firewall clean swift

## build: the release binaries, their Swift libraries linked in
build: swift
	@scripts/ensure-packages $(BUILD_PACKAGES)
	$(RELEASE) gatehouse
	$(RELEASE) gatehouse-outbound

## install: what `make build` made, and the systemd units; needs root, or DESTDIR
install:
	@test -x $(BINARY) -a -x $(HELPER) || { echo "run \`make build\` first" >&2; exit 2; }
	install -D -m 0755 -t $(DESTDIR)$(PREFIX)/bin $(BINARY) $(HELPER)
	install -D -m 0644 -t $(DESTDIR)/etc/systemd/system systemd/gatehouse.service systemd/gatehouse.socket \
		systemd/gatehouse-firewall.service systemd/gatehouse-firewall-watch.service

## run: the demonstration, or `make run SITE=Policies/foobar.com.yaml` for a site file
run: build
	@exec $(BINARY) $(if $(SITE),serve --site $(SITE),demo)

## test: everything, against real servers from Debian
test: swift
	@scripts/ensure-packages $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory lint build
	swift build --build-tests
	$(DRIVEN) swift test --skip-build --disable-xctest $(WIDTH)

lint:
	swift format lint --strict --parallel --recursive $(SWIFT_SOURCES)

## bench: the comparison with nginx, HAProxy and h2o, the time to the first answer after a kill, certificates, proofs,
## and what a packet costs under rulesets of Gatehouse, nft, ferm and firewalld
bench: build
	@scripts/ensure-packages $(BENCH_PACKAGES)
	Benchmarks/run
	Benchmarks/revive
	Benchmarks/certificates
	Benchmarks/policy
	Benchmarks/packets

## soak: all three below
soak: soak-gateway soak-certificates soak-firewall

## soak-gateway: SOAK_SECONDS of mixed load, and as many of 1,000 new connections a second beside 10,000 idle ones: memory
## stays flat and no descriptor stays behind. One after the other, so that each has the machine to itself. CI runs it, too
soak-gateway: build
	@scripts/ensure-packages $(TEST_PACKAGES)
	$(DRIVEN) GATEHOUSE_SOAK_SECONDS=$(SOAK_SECONDS) \
		swift test --disable-xctest --no-parallel --filter "IntegrationTests\.(SoakTests|IdleConnectionSoakTests)/"

## soak-certificates: SOAK_ROTATIONS of a certificate under load, by which nothing is lost, and the latencies of clients
## in turns with and without them: some 20 minutes
soak-certificates: build
	@scripts/ensure-packages $(TEST_PACKAGES)
	$(DRIVEN) GATEHOUSE_SOAK_ROTATIONS=$(SOAK_ROTATIONS) GATEHOUSE_SOAK_EVERY=$(SOAK_EVERY) \
		swift test --disable-xctest --filter RotationSoakTests

## soak-firewall: a hundred random firewalls with SOAK_PACKETS packets each, and some of them with real packets
soak-firewall: build
	@scripts/ensure-packages $(TEST_PACKAGES)
	$(DRIVEN) GATEHOUSE_SOAK_RULESETS=200 GATEHOUSE_SOAK_SENT=500 \
		swift test --disable-xctest \
		--filter "FirewallTests\.(RealPacketsTests|TranslationTests|ForeignRulesTests|DebianFirewallsTests)/"
	GATEHOUSE_SOAK_POLICIES=100 GATEHOUSE_SOAK_PACKETS=$(SOAK_PACKETS) \
		swift test -c release -Xswiftc -enable-testing --scratch-path .build/soak --disable-xctest --filter AgreementTests

clean:
	swift package clean

swift:
	@command -v swift >/dev/null || { \
		echo "Swift 6.3 or newer is needed: https://www.swift.org/install/linux/" >&2; exit 3; }
