module odeon

go 1.27
