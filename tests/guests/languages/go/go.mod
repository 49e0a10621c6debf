module language

go 1.27

require odeon v0.0.0

replace odeon => ./.odeon/sdk
